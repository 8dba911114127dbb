import type { DicomJson } from '#libs/dicom';
import { waitFor } from './start-suite.js';

/** One frame of a notification connection, by what the tests ask of it. */
export interface EventReport {
  workitemUid: string;
  /** 1 state, 2 cancel requested, 3 progress, 4 SCP status, 5 assigned (PS3.4 table CC.2.4-1). */
  type: number;
  state: string | undefined;
  messageId: number;
  dataset: DicomJson;
}

/** A notification connection (PS3.18 8.10.4) that keeps what it heard. */
export class NotificationConnection {
  readonly heard: EventReport[] = [];
  isClosed = false;

  private constructor(private readonly socket: WebSocket) {
    socket.addEventListener('message', ({ data }) => this.heard.push(readReport(data as string)));
    socket.addEventListener('close', () => (this.isClosed = true));
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<NotificationConnection> {
    const socket = new WebSocket(url, { headers } as never);
    const connection = new NotificationConnection(socket);
    await new Promise<void>((done, fail) => {
      socket.addEventListener('open', () => done());
      socket.addEventListener('error', () => fail(new Error(`${url} does not take the connection`)));
    });
    return connection;
  }

  /** Of one workitem, in the order they came. */
  of(workitemUid: string): EventReport[] {
    return this.heard.filter((report) => report.workitemUid === workitemUid);
  }

  states(workitemUid: string): (string | undefined)[] {
    return this.of(workitemUid)
      .filter(({ type }) => type === 1)
      .map(({ state }) => state);
  }

  waitFor(what: string, fits: (report: EventReport) => boolean): Promise<EventReport> {
    return waitFor(what, async () => this.heard.find(fits), 60);
  }

  close(): void {
    this.socket.close();
  }
}

function readReport(text: string): EventReport {
  const dataset = JSON.parse(text) as DicomJson;
  const value = <T>(tag: string) => dataset[tag]?.Value?.[0] as T;
  return {
    workitemUid: value('00001000'),
    type: value('00001002'),
    state: value('00741000'),
    messageId: value('00000110'),
    dataset,
  };
}

/** UPS-RS as a client with nothing but HTTP uses it. */
export class UpsClient {
  /** @param root `http://…/dicom-web` */
  constructor(
    private readonly root: string,
    private readonly always: Record<string, string> = {},
  ) {}

  request(method: string, path: string, dataset?: DicomJson | string, headers: Record<string, string> = {}) {
    return fetch(`${this.root}${path}`, {
      method,
      headers: {
        ...this.always,
        ...(dataset !== undefined && { 'content-type': 'application/dicom+json' }),
        ...headers,
      },
      ...(dataset !== undefined && { body: typeof dataset === 'string' ? dataset : JSON.stringify(dataset) }),
    });
  }

  create(dataset: DicomJson, query = '') {
    return this.request('POST', `/workitems${query}`, dataset);
  }

  update(uid: string, dataset: DicomJson, query = '') {
    return this.request('POST', `/workitems/${uid}${query}`, dataset);
  }

  changeState(uid: string, state: string, transactionUid: string | undefined, requester = '') {
    return this.request('PUT', `/workitems/${uid}/state${requester}`, {
      '00741000': { vr: 'CS', Value: [state] },
      ...(transactionUid !== undefined && { '00081195': { vr: 'UI', Value: [transactionUid] } }),
    });
  }

  async retrieve(uid: string): Promise<DicomJson> {
    const response = await this.request('GET', `/workitems/${uid}`);
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    return (await response.json()) as DicomJson;
  }

  async search(query: string): Promise<DicomJson[]> {
    const response = await this.request('GET', `/workitems?${query}`);
    if (response.status === 204) return [];
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    return (await response.json()) as DicomJson[];
  }
}

/** What a workitem must say to be made (PS3.4 table CC.2.5-3, type 1). */
export function newWorkitem(changes: DicomJson = {}): DicomJson {
  return {
    '00404005': { vr: 'DT', Value: ['20260131090000+0000'] },
    '00404041': { vr: 'CS', Value: ['READY'] },
    '00741000': { vr: 'CS', Value: ['SCHEDULED'] },
    '00741200': { vr: 'CS', Value: ['MEDIUM'] },
    '00741204': { vr: 'LO', Value: ['Segment the liver'] },
    ...changes,
  };
}

/** What was done, as it must be said before a workitem is COMPLETED. */
export function performedStep(outputs: DicomJson[] = []): DicomJson {
  const code = (value: string, meaning: string): DicomJson => ({
    '00080100': { vr: 'SH', Value: [value] },
    '00080102': { vr: 'SH', Value: ['99TEST'] },
    '00080104': { vr: 'LO', Value: [meaning] },
  });
  return {
    '00741216': {
      vr: 'SQ',
      Value: [
        {
          '00404019': { vr: 'SQ', Value: [code('110004', 'Computer Aided Detection')] },
          '00404028': { vr: 'SQ', Value: [code('STATION', 'A station')] },
          '00404033': outputs.length === 0 ? { vr: 'SQ' } : { vr: 'SQ', Value: outputs },
          '00404050': { vr: 'DT', Value: ['20260131090000+0000'] },
          '00404051': { vr: 'DT', Value: ['20260131090100+0000'] },
        },
      ],
    },
  };
}
