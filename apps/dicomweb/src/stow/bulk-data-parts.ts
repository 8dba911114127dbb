import type { SpooledBytes } from './spool.js';
import type { MediaType } from '../wire/parse-media-type.js';

/** A part of a request that is the bulk data of its metadata. */
export interface BulkDataPart extends SpooledBytes {
  /** In the request, counted from 1. */
  readonly number: number;
  readonly mediaType: MediaType;
  /** As it was sent, for messages. */
  readonly location: string | undefined;
}

/**
 * The bulk data parts of a request by what metadata calls them: Content-Location, absolute or relative (PS3.18 8.7.2), or
 * Content-ID for `cid:` (RFC 2392). Several under one name are the frames of one value, in their order; they may also be
 * told by `/frames/<number>` behind it.
 */
export class BulkDataParts {
  private readonly parts: BulkDataPart[] = [];
  private readonly byName = new Map<string, BulkDataPart[]>();
  private readonly used = new Set<BulkDataPart>();

  /** @param baseUrl what relative addresses are relative to */
  constructor(private readonly baseUrl: string) {}

  add(part: BulkDataPart, contentId: string | undefined): void {
    this.parts.push(part);
    const names = new Set<string>();
    if (part.location !== undefined) names.add(part.location).add(this.resolved(part.location));
    if (contentId !== undefined) names.add(this.resolved(`cid:${contentId.replace(/^<|>$/g, '')}`));
    for (const name of names) {
      const named = this.byName.get(name);
      if (named === undefined) this.byName.set(name, [part]);
      else named.push(part);
    }
  }

  /** @returns undefined when no part is that */
  find(uri: string): BulkDataPart[] | undefined {
    const found = this.byName.get(uri) ?? this.byName.get(this.resolved(uri)) ?? this.frames(this.resolved(uri));
    for (const part of found ?? []) this.used.add(part);
    return found;
  }

  /** Those that nobody has asked for. */
  get unused(): BulkDataPart[] {
    return this.parts.filter((part) => !this.used.has(part));
  }

  private frames(uri: string): BulkDataPart[] | undefined {
    const frames: BulkDataPart[] = [];
    for (let number = 1; ; number += 1) {
      const frame = this.byName.get(`${uri.replace(/\/+$/, '')}/frames/${number}`);
      if (frame === undefined) return frames.length > 0 ? frames : undefined;
      frames.push(...frame);
    }
  }

  private resolved(uri: string): string {
    // `cid:` is no address below another; its escapes are those of a URL (RFC 2392).
    if (/^cid:/i.test(uri)) return `cid:${unescape(uri.slice(4))}`;
    return URL.canParse(uri, this.baseUrl) ? new URL(uri, this.baseUrl).href : uri;
  }
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
