import { writeFile } from 'node:fs/promises';
import type { FrameFile } from '../models/model.js';

/** Frames that go into one file: opening one for each takes longer than writing them. */
export class FrameGroup {
  private readonly bytes: Buffer[] = [];
  private readonly frames: FrameFile[] = [];
  length = 0;

  constructor(private readonly file: string) {}

  add(bytes: Buffer, frame: Omit<FrameFile, 'file' | 'place'>): void {
    this.frames.push({ ...frame, file: this.file, place: { offset: this.length, length: bytes.length } });
    this.bytes.push(bytes);
    this.length += bytes.length;
  }

  async write(): Promise<FrameFile[]> {
    await writeFile(this.file, this.bytes);
    return this.frames;
  }
}
