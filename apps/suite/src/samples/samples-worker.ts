import { serveWorker } from '#libs/workers';
import { makeSample, type SampleName } from './make-sample-studies.js';
import { type Sent, sendStudy } from './send-study.js';

export interface SendRequest {
  name: SampleName;
  dicomwebUrl: string;
  headers: Readonly<Record<string, string>>;
}

/** Makes a sample study and sends it, in a process of its own: what is computed never passes through the server's. */
serveWorker(({ name, ...destination }: SendRequest): Promise<Sent> => sendStudy(name, makeSample(name), destination));
