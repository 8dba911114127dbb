import { ConformanceServer } from '../conformance/conformance-server.js';
import { type Dataset, firstText, firstValue, itemsOf } from '../conformance/dataset.js';
import { startArchive } from './wado-support.js';

/** What became of one object that was sent alone. */
export interface Sent {
  status: number;
  /** Where it is, when it was stored. */
  url?: string;
  sopInstanceUid: string;
  /** Failure Reason, hexadecimal, when it was not. */
  reason?: string;
  /** Our own word on the failure. */
  comment: string;
}

/** An archive to which objects are sent one at a time, to see what becomes of each. */
export class CorpusArchive {
  private readonly server: ConformanceServer;
  readonly stop: () => Promise<unknown>;

  private constructor(dicomweb: string, stop: () => Promise<unknown>) {
    this.server = new ConformanceServer({ base: dicomweb });
    this.stop = stop;
  }

  static async start(): Promise<CorpusArchive> {
    const suite = await startArchive();
    return new CorpusArchive(suite.dicomweb, () => suite.stop());
  }

  async send(bytes: Buffer): Promise<Sent> {
    const answer = await this.server.store([bytes]);
    if (answer.mediaType !== 'application/dicom+json') {
      return { status: answer.status, sopInstanceUid: '', comment: answer.text };
    }
    const dataset = answer.json() as Dataset;
    const [stored] = itemsOf(dataset, '00081199');
    const [failed] = [...itemsOf(dataset, '00081198'), ...itemsOf(dataset, '0008119A')];
    const url = stored && firstText(stored, '00081190');
    const reason = failed && Number(firstValue(failed, '00081197')).toString(16);
    return {
      status: answer.status,
      sopInstanceUid: firstText(stored ?? failed ?? {}, '00081155'),
      comment: firstText(dataset, '00091001') || answer.text,
      ...(url !== undefined && { url }),
      ...(reason !== undefined && { reason }),
    };
  }

  /**
   * That an object which was stored can be found, is described, and comes back as it was sent.
   * @returns what is wrong, or the metadata
   */
  async look({ url, sopInstanceUid }: Sent, bytes: Buffer): Promise<string | { found: Dataset; metadata: Dataset }> {
    const search = await this.server.getJson(`/instances?SOPInstanceUID=${sopInstanceUid}&includefield=00100010`);
    const found = search.datasets();
    if (found.length !== 1) return `QIDO-RS finds ${found.length} of ${sopInstanceUid}`;
    const described = await this.follow(`${url}/metadata`, 'application/dicom+json');
    if (described.status !== 200) return `metadata: ${described.status} ${described.text.slice(0, 200)}`;
    const metadata = described.dataset();
    if (firstText(metadata, '00080018') !== sopInstanceUid) return `metadata of ${firstText(metadata, '00080018')}`;
    const whole = await this.follow(url!, 'application/dicom; transfer-syntax=*');
    if (whole.status !== 200) return `retrieval: ${whole.status} ${whole.text.slice(0, 200)}`;
    if (!whole.body.equals(bytes)) return `other bytes: ${whole.body.length} instead of ${bytes.length}`;
    return { found: found[0]!, metadata };
  }

  /** Asks for an object in every way there is. @returns the answers that say our own fault, or none */
  async askForAll(url: string): Promise<string[]> {
    const octets = 'multipart/related; type="application/octet-stream"';
    const requests: [string, string][] = [
      ['/rendered', '*/*'],
      ['/thumbnail', 'image/jpeg'],
      ['/frames/1', `${octets}; transfer-syntax=*`],
      ['/frames/1', octets],
      ['', 'multipart/related; type="application/dicom"'],
    ];
    const wrong: string[] = [];
    for (const [path, accept] of requests) {
      const { status, text } = await this.follow(`${url}${path}`, accept);
      if (![200, 404, 406].includes(status)) wrong.push(`GET ${path} [${accept}]: ${status} ${text.slice(0, 150)}`);
    }
    return wrong;
  }

  async delete(url: string): Promise<number> {
    const path = new URL(url).pathname.replace(/^\/dicom-web/, '');
    return (await this.server.send(path, { method: 'DELETE' })).status;
  }

  /** Where the only instance of this UID is. */
  async find(sopInstanceUid: string): Promise<string> {
    const answer = await this.server.getJson(`/instances?SOPInstanceUID=${sopInstanceUid}`);
    return firstText(answer.dataset(), '00081190');
  }

  /** The number of changes so far. */
  async changes(): Promise<number> {
    const latest = await this.server.get('/changefeed/latest');
    return latest.status === 204 ? 0 : Number((latest.json() as { Sequence: number }).Sequence);
  }

  /** Whatever a change would change: the number of changes so far, of studies and of instances. */
  async snapshot(): Promise<{ changes: number; studies: number; instances: number }> {
    const changes = await this.changes();
    const studies = (await this.server.getJson('/studies?limit=1000')).datasets();
    const instances = studies.reduce((sum, study) => sum + Number(firstValue(study, '00201208')), 0);
    return { changes, studies: studies.length, instances };
  }

  private follow(url: string, accept: string) {
    return this.server.follow(url, this.server.base.href, accept);
  }
}

/** A person name as it stands in DICOM: its component groups with = between them. */
export function personName(dataset: Dataset, tag = '00100010'): string {
  const {
    Alphabetic = '',
    Ideographic = '',
    Phonetic = '',
  } = (firstValue(dataset, tag) ?? {}) as Record<string, string>;
  return [Alphabetic, Ideographic, Phonetic].join('=').replace(/=+$/, '');
}
