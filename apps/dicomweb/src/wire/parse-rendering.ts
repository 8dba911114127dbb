import { WireError } from './wire-error.js';

export type WindowFunction = 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID';

export type AnnotationKind = 'patient' | 'technique';
export type IccProfile = 'yes' | 'srgb' | 'adobergb' | 'rommrgb' | 'displayp3';

/** How a picture is asked for (PS3.18 8.3.5.1). */
export interface Rendering {
  window?: { center: number; width: number; function: WindowFunction };
  viewport?: RequestedViewport;
  /** 1 to 100. */
  quality?: number;
  /** What is written in the corners of the picture. */
  annotation?: AnnotationKind[];
  /** The colour space that the picture is to be in and to name; `yes`: the one it is stored in. */
  iccProfile?: IccProfile;
  /** What was asked for and is not done, to be said in a Warning header field. */
  ignored?: string[];
}

export interface RequestedViewport {
  /** Pixels. */
  width: number;
  height: number;
  /** Pixels of the image, from the top left corner; width and height of the whole image when undefined. Negative ones flip. */
  source?: { x: number; y: number; width: number | undefined; height: number | undefined };
}

/** A picture this large in one direction serves no display; PS3.18 8.3.5.1.3 lets the server refuse it. */
const viewportPixelsMax = 8192;

const parameters = ['window', 'viewport', 'quality', 'annotation', 'iccprofile'];

/** The values of PS3.18 8.3.5.1.4; without the parameter colours are given as they are stored, and without a profile. */
const iccProfiles = ['no', 'yes', 'srgb', 'adobergb', 'rommrgb', 'displayp3'];

/**
 * Reads the query parameters of a rendered resource. Those of the standard that we do not render by are told back
 * (8.3.5.1.1); unknown ones, and those of other services, are nobody's business here.
 * @param search the query string without the question mark
 * @throws WireError for values that cannot be
 */
export function parseRendering(search: string): Rendering {
  const rendering: Rendering = {};
  const seen = new Set<string>();
  for (const [name, value] of new URLSearchParams(search)) {
    const parameter = name.trim().toLowerCase();
    const text = value.trim();
    if (!parameters.includes(parameter) || text === '') continue;
    if (seen.has(parameter)) throw new WireError(`The parameter ${parameter} is given more than once.`);
    seen.add(parameter);
    if (parameter === 'window') rendering.window = parseWindow(text);
    else if (parameter === 'viewport') rendering.viewport = parseViewport(text);
    else if (parameter === 'quality') rendering.quality = parseQuality(text);
    else if (parameter === 'annotation') Object.assign(rendering, parseAnnotation(text));
    else {
      const iccProfile = parseIccProfile(text);
      if (iccProfile !== 'no') rendering.iccProfile = iccProfile;
    }
  }
  return rendering;
}

/** Values that are not known here are told back, and the others done (8.3.5.1.1). */
export function parseAnnotation(text: string): Pick<Rendering, 'annotation' | 'ignored'> {
  const values = [...new Set(text.split(',').map((value) => value.trim().toLowerCase()))].filter(
    (value) => value !== '',
  );
  const annotation = annotationKinds.filter((kind) => values.includes(kind));
  const unknown = values.filter((value) => !(annotationKinds as readonly string[]).includes(value));
  return {
    ...(annotation.length > 0 && { annotation }),
    ...(unknown.length > 0 && { ignored: [`The following annotation values are not supported: ${unknown.join()}`] }),
  };
}

const annotationKinds = ['patient', 'technique'] as const;

function parseIccProfile(text: string): IccProfile | 'no' {
  const profile = text.toLowerCase();
  if (!iccProfiles.includes(profile)) {
    throw new WireError(`The parameter iccprofile takes one of ${iccProfiles.join(', ')}.`);
  }
  return profile as IccProfile | 'no';
}

function parseWindow(text: string): NonNullable<Rendering['window']> {
  const wrong = new WireError(
    'The parameter window takes center,width,function with the function linear, linear-exact or sigmoid.',
  );
  const members = text.split(',').map((member) => member.trim());
  if (members.length < 2 || members.length > 3) throw wrong;
  const [center, width] = [readNumber(members[0]), readNumber(members[1])];
  const name = (members[2] ?? 'linear').toUpperCase().replace('-', '_');
  if (
    center === undefined ||
    width === undefined ||
    (name !== 'LINEAR' && name !== 'LINEAR_EXACT' && name !== 'SIGMOID')
  ) {
    throw wrong;
  }
  // PS3.3 C.11.2.1.2: the linear function is defined from a width of 1, the others above 0.
  if (name === 'LINEAR' ? width < 1 : width <= 0) {
    throw new WireError(
      `A window width of ${width} cannot be: ${name === 'LINEAR' ? 'at least 1' : 'above 0'} for this function.`,
    );
  }
  return { center, width, function: name };
}

function parseViewport(text: string): RequestedViewport {
  const wrong = new WireError(
    `The parameter viewport takes width,height or width,height,x,y,source-width,source-height: width and height whole numbers from 1 to ${viewportPixelsMax}.`,
  );
  const members = text.split(',').map((member) => member.trim());
  if (members.length < 2 || members.length > 6) throw wrong;
  const [width, height] = [readNumber(members[0]), readNumber(members[1])];
  if (!isPictureSide(width) || !isPictureSide(height)) throw wrong;
  if (members.length === 2) return { width, height };
  const [x, y, sourceWidth, sourceHeight] = [2, 3, 4, 5].map((at) => {
    const member = members[at];
    if (member === undefined || member === '') return undefined;
    const number = readNumber(member);
    if (number === undefined) throw wrong;
    return number;
  });
  if (sourceWidth === 0 || sourceHeight === 0 || (x ?? 0) < 0 || (y ?? 0) < 0) throw wrong;
  return { width, height, source: { x: x ?? 0, y: y ?? 0, width: sourceWidth, height: sourceHeight } };
}

function parseQuality(text: string): number {
  const quality = readNumber(text);
  if (quality === undefined || !Number.isInteger(quality) || quality < 1 || quality > 100) {
    throw new WireError('The parameter quality takes a whole number from 1 to 100.');
  }
  return quality;
}

function isPictureSide(pixels: number | undefined): pixels is number {
  return pixels !== undefined && Number.isInteger(pixels) && pixels >= 1 && pixels <= viewportPixelsMax;
}

function readNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^[+-]?(\d{1,12}(\.\d{0,12})?|\.\d{1,12})(e[+-]?\d{1,2})?$/i.test(text)
    ? Number(text)
    : undefined;
}
