import type { ConformanceServer } from './conformance-server.js';

export type Area = 'search' | 'json' | 'frames' | 'instances' | 'rendered' | 'store' | 'workitems' | 'cross-cutting';

/** What a server must have, or the run must know of it, for a behaviour to be tried at all. */
export type Capability =
  /** Instances stored over STOW-RS may be removed again with DELETE. */
  | 'delete'
  /** UPS-RS under /workitems. */
  | 'workitems'
  /** The server asks for a bearer token, and the run was given one. */
  | 'token'
  /** The greatest number of search results in one answer is known to the run. */
  | 'search-limit'
  /** The server lets pages of an origin known to the run use it from a browser. */
  | 'origin';

/** One thing that real DICOMweb clients depend on, tried over plain HTTP. */
export interface Behaviour {
  /** Unique, `area.what-it-is-about`. */
  readonly id: string;
  readonly area: Area;
  /** The behaviour, as one says it of a server that has it: "answers ...". */
  readonly name: string;
  /** The section of the standard that asks for it, or the client that depends on it. */
  readonly source: string;
  /** `required`: a shall of the standard, or a client breaks without. `recommended`: the standard leaves it open. */
  readonly level: 'required' | 'recommended';
  readonly needs?: Capability;
  /** @throws Mismatch saying what was sent, what was expected and what came */
  check(server: ConformanceServer): Promise<void>;
}

/** The server does otherwise than the behaviour says. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';
}

/** The behaviour says nothing about this server, and why. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable';
}
