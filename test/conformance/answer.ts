import type { IncomingHttpHeaders } from 'node:http';
import { Mismatch } from './behaviour.js';
import { type Dataset, isDataset } from './dataset.js';
import { type Part, readParts } from './read-parts.js';

const shownCharactersMax = 300;

/** What a server answered to one request, whole, and how to complain about it. */
export class Answer {
  /** The request in one line, for messages. */
  readonly sent: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Names in the case in which they came, and values, alternating. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;

  constructor(sent: string, status: number, headers: IncomingHttpHeaders, rawHeaders: readonly string[], body: Buffer) {
    this.sent = sent;
    this.status = status;
    this.headers = headers;
    this.rawHeaders = rawHeaders;
    this.body = body;
  }

  get text(): string {
    return this.body.toString('utf8');
  }

  header(name: string): string {
    const value = this.headers[name.toLowerCase()];
    return Array.isArray(value) ? value.join(', ') : (value ?? '');
  }

  /** The media type without its parameters, in lower case. */
  get mediaType(): string {
    return this.header('content-type').split(';', 1)[0]!.trim().toLowerCase();
  }

  /** @throws Mismatch with the request, what was expected, and this answer in short */
  fail(expected: string, came: string = this.shown()): never {
    throw new Mismatch(`${this.sent}\n  expected: ${expected}\n  came:     ${came}`);
  }

  holds(condition: boolean, expected: string, came?: string): void {
    if (!condition) this.fail(expected, came);
  }

  is(...statuses: number[]): this {
    this.holds(statuses.includes(this.status), `status ${statuses.join(' or ')}`);
    return this;
  }

  isOfType(...types: string[]): this {
    this.holds(
      types.includes(this.mediaType),
      `Content-Type ${types.join(' or ')}`,
      this.header('content-type') || 'no Content-Type',
    );
    return this;
  }

  json(): unknown {
    try {
      return JSON.parse(this.text);
    } catch (error) {
      return this.fail('a JSON body', `${this.shown()} (${String(error)})`);
    }
  }

  /** The data sets of a search or metadata answer: none for 204. */
  datasets(): Dataset[] {
    if (this.status === 204) {
      this.holds(this.body.length === 0, 'no body with status 204');
      return [];
    }
    this.is(200).isOfType('application/dicom+json', 'application/json');
    const value = this.json();
    if (!Array.isArray(value) || !value.every(isDataset)) return this.fail('an array of DICOM JSON objects');
    return value;
  }

  /** The one data set of an answer of exactly one. */
  dataset(): Dataset {
    const all = this.datasets();
    if (all.length !== 1) return this.fail('exactly one data set', `${all.length} data sets`);
    return all[0]!;
  }

  parts(): Part[] {
    return readParts(this);
  }

  /** The only part of a multipart answer. */
  part(): Part {
    const parts = this.parts();
    if (parts.length !== 1) return this.fail('one part', `${parts.length} parts`);
    return parts[0]!;
  }

  private shown(): string {
    const type = this.header('content-type');
    const isText = /json|xml|text|html/.test(type);
    const start = isText ? this.text.slice(0, shownCharactersMax).replace(/\s+/g, ' ') : `${this.body.length} bytes`;
    return `${this.status}${type ? ` ${type}` : ''}${this.body.length === 0 ? ', no body' : `: ${start}`}`;
  }
}
