import { randomBytes } from 'node:crypto';
import type { Answer } from './answer.js';
import { type Capability, Mismatch } from './behaviour.js';
import { type FixtureName, fixtures } from './fixtures.js';
import { storeBody } from './store-body.js';
import { sendRequest, type RequestOptions } from './send-request.js';
import { type InstanceDescription, makeInstance, testUid } from '../support/make-instance.js';

export interface ConformanceOptions {
  /** The service root, for example http://127.0.0.1:8080/dicom-web */
  base: string;
  /** Sent as `Authorization: Bearer`. */
  token?: string;
  /** The greatest number of search results the server gives in one answer. */
  searchLimit?: number;
  /** An origin, not the server's own, whose pages may use it. */
  origin?: string;
}

export interface StoredInstance {
  study: string;
  series: string;
  uid: string;
  /** /studies/.../series/.../instances/... */
  path: string;
  /** The Part 10 object as it was sent. */
  bytes: Buffer;
  /** Its frames as they stand in it, where the description gave them. */
  frames: readonly Uint8Array[];
}

export interface StoredFixture {
  patientId: string;
  instances: readonly StoredInstance[];
  /** Study Instance UIDs in the order of their first instances. */
  studies: readonly string[];
}

/**
 * The server under test: requests to it, and what this run stored in it. Every UID and Patient ID is new in each run, so
 * that what the server holds already does not matter.
 */
export class ConformanceServer {
  readonly base: URL;
  /** Eight characters that are this run's own. */
  readonly run = randomBytes(4).toString('hex').toUpperCase();
  readonly options: ConformanceOptions;
  private readonly stored = new Map<FixtureName, Promise<StoredFixture>>();
  private readonly known = new Map<Capability, Promise<string | undefined>>();
  private readonly studies = new Set<string>();
  private made = 0;

  constructor(options: ConformanceOptions) {
    this.options = options;
    this.base = new URL(options.base.replace(/\/+$/, ''));
  }

  /** @param path below the service root, sent as it is written: encode what must be encoded */
  send(path: string, options: RequestOptions = {}): Promise<Answer> {
    const { token } = this.options;
    const headers = { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...options.headers };
    return sendRequest(this.base, path, { ...options, headers });
  }

  get(path: string, accept?: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send(path, { headers: { ...(accept !== undefined && { accept }), ...headers } });
  }

  /** A search, or metadata, as most clients ask for it. */
  getJson(path: string): Promise<Answer> {
    return this.get(path, 'application/dicom+json');
  }

  /** What an absolute address, or one relative to `from`, leads to. */
  async follow(address: string, from: string, accept?: string): Promise<Answer> {
    const url = new URL(address, from);
    const root = new URL(url.origin);
    const { token } = this.options;
    return sendRequest(root, `${url.pathname}${url.search}`, {
      headers: {
        ...(token !== undefined && url.origin === this.base.origin && { authorization: `Bearer ${token}` }),
        ...(accept !== undefined && { accept }),
      },
    });
  }

  /** A UID that is this run's own. */
  uid(text: string): string {
    return testUid(`conformance ${this.run} ${text}`);
  }

  patientId(name: string): string {
    return `CF-${this.run}-${name}`;
  }

  /** A new instance in a study of its own, not yet stored. */
  make(description: InstanceDescription = {}): StoredInstance {
    this.made += 1;
    const study = description.studyInstanceUid ?? this.uid(`made study ${this.made}`);
    const series = description.seriesInstanceUid ?? testUid(`${study} series ${description.modality ?? 'CT'}`);
    const uid = description.sopInstanceUid ?? this.uid(`made instance ${this.made}`);
    const bytes = makeInstance({
      patientId: this.patientId('MADE'),
      patientName: `Conf${this.run}^Made`,
      accessionNumber: `${this.run}M`,
      ...description,
      studyInstanceUid: study,
      seriesInstanceUid: series,
      sopInstanceUid: uid,
    });
    this.studies.add(study);
    return {
      study,
      series,
      uid,
      bytes,
      frames: description.frameBytes ?? [],
      path: `/studies/${study}/series/${series}/instances/${uid}`,
    };
  }

  /** STOW-RS as most clients do it. */
  store(
    objects: readonly Uint8Array[],
    { study, accept = 'application/dicom+json' }: { study?: string; accept?: string } = {},
  ): Promise<Answer> {
    const { contentType, body } = storeBody(objects);
    return this.send(study === undefined ? '/studies' : `/studies/${study}`, {
      method: 'POST',
      headers: { 'content-type': contentType, accept },
      body,
    });
  }

  /** Makes and stores one instance. */
  async put(description: InstanceDescription = {}): Promise<StoredInstance> {
    const instance = this.make(description);
    (await this.store([instance.bytes])).is(200);
    return instance;
  }

  /** Instances made for the checks, stored when first asked for. */
  fixture(name: FixtureName): Promise<StoredFixture> {
    let fixture = this.stored.get(name);
    if (fixture === undefined) {
      fixture = this.storeFixture(name);
      this.stored.set(name, fixture);
    }
    return fixture;
  }

  private async storeFixture(name: FixtureName): Promise<StoredFixture> {
    const patientId = this.patientId(name.toUpperCase());
    const instances = fixtures[name](this).map((description) =>
      this.make({ patientId, patientName: `Conf${this.run}^${name}`, ...description }),
    );
    const answer = await this.store(instances.map(({ bytes }) => bytes));
    if (answer.status !== 200) {
      const what = answer.text.slice(0, 300).replace(/\s+/g, ' ');
      throw new Mismatch(
        `POST /studies with the "${name}" instances of these checks\n  expected: status 200\n  came:     ${answer.status}: ${what}`,
      );
    }
    return { patientId, instances, studies: [...new Set(instances.map(({ study }) => study))] };
  }

  /** @returns why the server is without it; undefined: it has it */
  lacks(capability: Capability): Promise<string | undefined> {
    let known = this.known.get(capability);
    if (known === undefined) {
      known = this.find(capability);
      this.known.set(capability, known);
    }
    return known;
  }

  private async find(capability: Capability): Promise<string | undefined> {
    switch (capability) {
      case 'token':
        return this.options.token === undefined ? 'no token was given to this run' : undefined;
      case 'search-limit':
        return this.options.searchLimit === undefined ? 'the greatest number of results is not known' : undefined;
      case 'origin':
        return this.options.origin === undefined ? 'no origin was given to this run' : undefined;
      case 'workitems': {
        const { status } = await this.getJson('/workitems?limit=1');
        return status === 200 || status === 204 ? undefined : `GET /workitems answers ${status}`;
      }
      case 'delete': {
        const { study } = await this.put();
        const { status } = await this.send(`/studies/${study}`, { method: 'DELETE' });
        return status >= 200 && status < 300 ? undefined : `DELETE of a study answers ${status}`;
      }
    }
  }

  /** Takes away what this run stored, where the server lets it. @returns how many studies stay */
  async cleanUp(): Promise<number> {
    let left = 0;
    for (const study of this.studies) {
      const { status } = await this.send(`/studies/${study}`, { method: 'DELETE' });
      if (status >= 400 && status !== 404 && status !== 410) left += 1;
    }
    return left;
  }
}
