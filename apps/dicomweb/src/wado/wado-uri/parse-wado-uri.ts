import { isUid } from '#libs/dicom';
import { HttpProblem } from '#libs/server';
import { parseAnnotation, type Rendering } from '../../wire/parse-rendering.js';
import { WireError } from '../../wire/wire-error.js';

/** A request of the URI service (PS3.18 9). */
export interface WadoUriRequest {
  sopInstanceUid: string;
  /** As far as given; an instance is found without them. */
  studyInstanceUid: string | undefined;
  seriesInstanceUid: string | undefined;
  /** Media ranges, as an Accept field has them; undefined for the instance's own default. */
  contentType: string | undefined;
  /** Of application/dicom. */
  transferSyntaxUid: string | undefined;
  /** Counting from 1. */
  frameNumber: number | undefined;
  window: Rendering['window'];
  quality: number | undefined;
  /** Pixels the picture may take. */
  rows: number | undefined;
  columns: number | undefined;
  /** Of the image, from 0 to 1: left, top, right, bottom. */
  region: [number, number, number, number] | undefined;
  /** What is written in the corners of the picture. */
  annotation: Rendering['annotation'];
  /** The presentation state to show the image by: its SOP Instance UID, and the UID of its series as far as given. */
  presentationUid: string | undefined;
  presentationSeriesUid: string | undefined;
}

const sidePixelsMax = 8192;

/**
 * Reads the query of a WADO-URI request. Names are taken in any case, since that is how they are written; unknown ones
 * are passed over. What would change what is shown or hidden is refused rather than ignored.
 * @param search the query string without the question mark
 * @throws WireError for values that cannot be; HttpProblem 406 for what is not done here
 */
export function parseWadoUri(search: string): WadoUriRequest {
  const parameters = readParameters(search);
  const text = (name: string) => parameters.get(name.toLowerCase());
  if (text('requestType')?.toUpperCase() !== 'WADO') throw new WireError('The parameter requestType must be WADO.');
  const sopInstanceUid = text('objectUID');
  if (sopInstanceUid === undefined) throw new WireError('The parameter objectUID is missing.');
  if (!isUid(sopInstanceUid)) throw new WireError('The parameter objectUID is not a UID.');
  refuseAnonymize(text('anonymize'));
  const presentationUid = text('presentationUID');
  checkPresentation(presentationUid, text);
  const transferSyntaxUid = text('transferSyntax');
  if (transferSyntaxUid !== undefined && transferSyntaxUid !== '*' && !isUid(transferSyntaxUid)) {
    throw new WireError('The parameter transferSyntax takes one Transfer Syntax UID.');
  }
  return {
    sopInstanceUid,
    studyInstanceUid: text('studyUID'),
    seriesInstanceUid: text('seriesUID'),
    contentType: text('contentType')?.replaceAll(/(?<=\w) (?=\w)/g, '+'),
    transferSyntaxUid,
    frameNumber: wholeNumber('frameNumber', text('frameNumber'), 2 ** 31 - 1),
    window: windowOf(text('windowCenter'), text('windowWidth')),
    quality: wholeNumber('imageQuality', text('imageQuality'), 100),
    rows: wholeNumber('rows', text('rows'), sidePixelsMax),
    columns: wholeNumber('columns', text('columns'), sidePixelsMax),
    region: regionOf(text('region')),
    annotation: parseAnnotation(text('annotation') ?? '').annotation,
    presentationUid,
    presentationSeriesUid: text('presentationSeriesUID'),
  };
}

/** The first of each, by lower-case name; empty ones say nothing. */
function readParameters(search: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(search)) {
    const key = name.trim().toLowerCase();
    if (value.trim() !== '' && !found.has(key)) found.set(key, value.trim());
  }
  return found;
}

/** Who asks for an anonymous instance must not get a name. */
function refuseAnonymize(anonymize: string | undefined): void {
  if (anonymize === undefined || anonymize.toLowerCase() === 'no') return;
  if (anonymize.toLowerCase() !== 'yes') throw new WireError('The parameter anonymize takes yes.');
  throw notDone('Instances are not anonymized here: ask without the parameter anonymize for the instance as it is.');
}

/** A presentation state says itself which values and which part of the image are seen (PS3.18 9.1.2.2). */
function checkPresentation(presentationUid: string | undefined, text: (name: string) => string | undefined): void {
  if (presentationUid === undefined) return;
  if (!isUid(presentationUid)) throw new WireError('The parameter presentationUID is not a UID.');
  const wrong = ['windowCenter', 'windowWidth', 'region'].find((name) => text(name) !== undefined);
  if (wrong !== undefined) throw new WireError(`The parameter ${wrong} cannot be given together with presentationUID.`);
}

const notDone = (detail: string) => new HttpProblem(406, 'Not Acceptable', detail);

function windowOf(center: string | undefined, width: string | undefined): Rendering['window'] {
  if (center === undefined && width === undefined) return undefined;
  if (center === undefined || width === undefined) {
    throw new WireError('The parameters windowCenter and windowWidth are given together or not at all.');
  }
  const numbers = { center: decimal('windowCenter', center), width: decimal('windowWidth', width) };
  if (numbers.width < 1) throw new WireError('The parameter windowWidth is at least 1 (PS3.3 C.11.2.1.2).');
  return { ...numbers, function: 'LINEAR' };
}

function regionOf(text: string | undefined): WadoUriRequest['region'] {
  if (text === undefined) return undefined;
  const [left, top, right, bottom, ...more] = text.split(',').map((member) => decimal('region', member.trim()));
  const isWithin =
    left !== undefined && top !== undefined && right !== undefined && bottom !== undefined && more.length === 0;
  if (!isWithin || left < 0 || top < 0 || right > 1 || bottom > 1 || left >= right || top >= bottom) {
    throw new WireError('The parameter region takes left,top,right,bottom of the image as numbers from 0 to 1.');
  }
  return [left, top, right, bottom];
}

function wholeNumber(name: string, text: string | undefined, max: number): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > max) throw new WireError(`The parameter ${name} takes a whole number from 1 to ${max}.`);
  return number;
}

function decimal(name: string, text: string): number {
  const isDecimal = /^[+-]?(\d{1,12}(\.\d{0,12})?|\.\d{1,12})(e[+-]?\d{1,2})?$/i.test(text);
  if (!isDecimal) throw new WireError(`The parameter ${name} takes numbers.`);
  return Number(text);
}
