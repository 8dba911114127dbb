import { expect } from '@jest/globals';
import { type DicomJson, jsonItems, jsonText } from '#libs/dicom';
import { multipartBody } from '../support/multipart.js';
import type { SuiteToKill } from './suite-to-kill.js';

/** What a suite has said it stored: that must be there whatever becomes of its processes, to the byte. */
export class Acknowledged {
  private readonly instances: { url: string; object: Buffer }[] = [];

  constructor(private readonly suite: SuiteToKill) {}

  get length(): number {
    return this.instances.length;
  }

  /**
   * Sends instances in one request.
   * @returns `cut` when there was no answer, `refused` by a suite that knows no more whether its database is there
   */
  async store(objects: readonly Buffer[]): Promise<'stored' | 'refused' | 'cut'> {
    const { contentType, body } = multipartBody(objects);
    let response: Response;
    let answer: DicomJson;
    try {
      response = await fetch(`${this.suite.running.dicomweb}/studies`, {
        method: 'POST',
        headers: { 'content-type': contentType },
        body: new Uint8Array(body),
      });
      answer = (await response.json()) as DicomJson;
    } catch {
      return 'cut';
    }
    if (response.status === 503) return 'refused';
    expect(response.status).toBe(200);
    for (const [index, item] of jsonItems(answer, '00081199').entries()) {
      this.instances.push({ url: jsonText(item, '00081190')!, object: objects[index]! });
    }
    return 'stored';
  }

  /** @param lastOnly so many of the last; absent: all */
  async check(lastOnly = this.length): Promise<void> {
    for (const { url, object } of this.instances.slice(-lastOnly)) {
      const response = await fetch(url, { headers: { accept: 'application/dicom; transfer-syntax=*' } });
      const bytes = Buffer.from(await response.arrayBuffer());
      if (response.status !== 200 || !bytes.equals(object)) {
        const found = `${url} answers ${response.status} with ${bytes.length} bytes`;
        throw new Error(`Acknowledged and lost: ${found}\n${this.suite.running.output()}`);
      }
    }
  }
}
