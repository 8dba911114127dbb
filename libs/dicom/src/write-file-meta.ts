import { implementationClassUid, implementationVersionName } from './implementation.js';

/** Preamble, prefix and File Meta (PS3.10 7.1), ready for a dataset in the transfer syntax to follow. */
export function writeFileMeta(sopClassUid: string, sopInstanceUid: string, transferSyntaxUid: string): Buffer {
  const version = Buffer.from([0x02, 0, 0x01, 0, 0x4f, 0x42, 0, 0, 2, 0, 0, 0, 0, 1]);
  const elements = Buffer.concat([
    version,
    element(0x0002, 'UI', sopClassUid),
    element(0x0003, 'UI', sopInstanceUid),
    element(0x0010, 'UI', transferSyntaxUid),
    element(0x0012, 'UI', implementationClassUid),
    element(0x0013, 'SH', implementationVersionName),
  ]);
  const start = Buffer.alloc(128 + 4 + 12);
  start.write('DICM', 128, 'latin1');
  start.write('\x02\0\0\0UL\x04\0', 132, 'latin1');
  start.writeUInt32LE(elements.length, 140);
  return Buffer.concat([start, elements]);
}

function element(number: number, vr: 'UI' | 'SH', text: string): Buffer {
  const padded = text.length % 2 === 0 ? text : text + (vr === 'UI' ? '\0' : ' ');
  const bytes = Buffer.alloc(8 + padded.length);
  bytes.writeUInt16LE(0x0002, 0);
  bytes.writeUInt16LE(number, 2);
  bytes.write(vr, 4, 'latin1');
  bytes.writeUInt16LE(padded.length, 6);
  bytes.write(padded, 8, 'latin1');
  return bytes;
}
