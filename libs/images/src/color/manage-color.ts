import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import type { ColorOptions } from './icc-profile.js';
import { makeProfile, matrixSpaces } from './make-profile.js';

/** R G B of eight bits, as sharp takes them. */
interface RawColors {
  data: Uint8Array;
  width: number;
  height: number;
}

/**
 * Colours with their profile, on the way to the space asked for: what comes out of the encoder at the end is in that
 * space, and says so.
 */
export async function managedColors(raw: RawColors, { space, source }: ColorOptions): Promise<Sharp> {
  const { data, width, height } = raw;
  const plain = sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false });
  if (source === undefined) return plain;
  // Only files have profiles: an uncompressed one, in memory.
  const png = await plain.png({ compressionLevel: 0, adaptiveFiltering: false }).toBuffer();
  const managed = sharp(withProfile(png, source), { limitInputPixels: false });
  // libvips works in sRGB, and would cut off what lies beyond it; in 16 bits, it works in Display P3.
  return space === 'yes' || space === 'srgb' ? managed : managed.pipelineColourspace('rgb16');
}

/** The last step before the encoder. */
export function inColorSpace(picture: Sharp, { space, source }: ColorOptions): Sharp {
  switch (space) {
    case 'yes':
      return source === undefined ? picture.withIccProfile('srgb') : picture.keepIccProfile();
    case 'srgb':
      return picture.withIccProfile('srgb');
    case 'displayp3':
      return picture.withIccProfile('p3');
    case 'adobergb':
    case 'rommrgb':
      return picture.withIccProfile(profileFile(space));
  }
}

const signatureAndHeaderBytes = 8 + 25;

/** PNG 11.3.2.3: a chunk iCCP, after the header. */
function withProfile(png: Buffer, profile: Uint8Array): Buffer {
  const content = Buffer.concat([Buffer.from('iCCPICC\0\0', 'latin1'), deflateSync(profile)]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length - 4);
  check.writeUInt32BE(crc32(content));
  const [head, rest] = [png.subarray(0, signatureAndHeaderBytes), png.subarray(signatureAndHeaderBytes)];
  return Buffer.concat([head, length, content, check, rest]);
}

let folder: string | undefined;

/** libvips reads profiles from files alone; this process's own are made when first needed, and go when it ends. */
function profileFile(space: keyof typeof matrixSpaces): string {
  if (folder === undefined) {
    const made = mkdtempSync(path.join(tmpdir(), 'isocenter-icc-'));
    folder = made;
    for (const name of ['adobergb', 'rommrgb'] as const) {
      writeFileSync(path.join(made, `${name}.icc`), makeProfile(matrixSpaces[name]));
    }
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  }
  return path.join(folder, `${space}.icc`);
}
