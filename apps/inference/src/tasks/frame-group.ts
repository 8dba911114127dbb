import { writeFile } from 'node:fs/promises';
import type { FrameFile } from '../models/model.js';

/** Frames that go into one file: opening one for each takes longer than writing them. */
export class FrameGroup {
  private readonly bytes: Buffer[] = [];
  private readonly frames: FrameFile[] = [];
  length = 0;

  constructor(private readonly file: string) {}

  /** @param bytes held until they are written */
  add(bytes: Buffer, frame: Omit<FrameFile, 'file' | 'place'>): void {
    this.frames.push({ ...frame, file: this.file, place: { offset: this.length, length: bytes.length } });
    this.bytes.push(bytes);
    this.length += bytes.length;
  }

  /** @param bytes copied to `memory`, behind those before, where it has room */
  addCopy(bytes: Buffer, frame: Omit<FrameFile, 'file' | 'place'>, memory: Buffer): void {
    const place = memory.subarray(this.length, this.length + bytes.length);
    const isRoom = place.length === bytes.length && bytes.copy(place) === bytes.length;
    this.add(isRoom ? place : Buffer.from(bytes), frame);
  }

  async write(): Promise<FrameFile[]> {
    await writeFile(this.file, this.bytes);
    return this.frames;
  }
}
