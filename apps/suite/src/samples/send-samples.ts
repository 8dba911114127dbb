import { WorkerPool } from '#libs/workers';
import { sampleNames } from './make-sample-studies.js';
import type { SendRequest } from './samples-worker.js';
import type { Sent } from './send-study.js';

export interface SendSamplesOptions {
  signal: AbortSignal;
  /** For each request to the archive: an Authorization, where it wants one. */
  headers?: Readonly<Record<string, string>>;
  log: (text: string) => void;
}

/**
 * Makes the sample studies and sends them to an archive over STOW-RS, in a child process, so that the caller goes on
 * serving. Sent twice, they are the same bytes.
 *
 * @param dicomwebUrl the DICOMweb root, such as http://127.0.0.1:8042/dicom-web
 * @throws Error which instances failed and why; studies sent before stay sent
 * @throws the signal's reason once it is aborted
 */
export async function sendSamples(
  dicomwebUrl: string,
  { signal, headers = {}, log }: SendSamplesOptions,
): Promise<void> {
  signal.throwIfAborted();
  const pool = new WorkerPool<SendRequest, Sent>({
    module: new URL('./samples-worker.js', import.meta.url),
    size: 1,
    // Making takes seconds; the rest is for an archive that is slow to store.
    timeoutMilliseconds: 15 * 60_000,
    memoryBytesMax: 2 ** 30,
    name: 'samples',
  });
  const stop = (): void => void pool.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (const name of sampleNames) {
      const { instances, bytes } = await pool.run({ name, dicomwebUrl, headers });
      log(`sample ${name} sent: ${instances} instances, ${(bytes / 1e6).toFixed(1)} MB`);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await pool.close();
  }
}
