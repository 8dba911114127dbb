import { type DicomJson, stringifyDicomJson } from '#libs/dicom';

/** One element of a data set: its tag, and its JSON text; undefined where there is none, whatever another source says. */
export type Member = readonly [tag: string, element: string | undefined];

/** In ascending order of tags. */
export type Members = readonly Member[];

const quote = 34;
const backslash = 92;
const opening = 123;
const closing = 125;

/**
 * Takes a data set's JSON text apart into its elements, without parsing them: most go into results as they are, and
 * parsing and writing them again is most of the work of a long answer.
 */
export function splitMembers(json: string): Members {
  const members: Member[] = [];
  let isInOrder = true;
  let last = '';
  for (let at = json.indexOf('"'); at !== -1;) {
    const tag = json.slice(at + 1, at + 9);
    let start = at + 10;
    while (json.charCodeAt(start) !== opening) {
      // Not what we write ourselves: then it is parsed, whatever it is.
      if (!': \n\r\t'.includes(json.charAt(start))) return membersOf(JSON.parse(json) as DicomJson);
      start++;
    }
    const end = endOfObject(json, start);
    members.push([tag, json.slice(start, end)]);
    isInOrder &&= last < tag;
    last = tag;
    at = json.indexOf('"', end);
  }
  return isInOrder ? members : members.sort(([a], [b]) => (a < b ? -1 : 1));
}

function membersOf(dataset: DicomJson): Members {
  return Object.keys(dataset)
    .sort()
    .map((tag) => [tag, stringifyDicomJson({ [tag]: dataset[tag]! }).slice('{"GGGGEEEE":'.length, -1)]);
}

/** @param at of its opening brace @returns behind its closing one */
function endOfObject(json: string, at: number): number {
  let depth = 0;
  for (let place = at; place < json.length; place++) {
    const character = json.charCodeAt(place);
    if (character === quote) place = endOfString(json, place);
    else if (character === opening) depth++;
    else if (character === closing && --depth === 0) return place + 1;
  }
  throw new SyntaxError('A data set whose JSON text does not end');
}

/** @returns the place of the closing quote */
function endOfString(json: string, at: number): number {
  let end = json.indexOf('"', at + 1);
  while (end !== -1 && isEscaped(json, end)) end = json.indexOf('"', end + 1);
  return end === -1 ? json.length : end;
}

function isEscaped(json: string, at: number): boolean {
  let backslashes = 0;
  while (json.charCodeAt(at - 1 - backslashes) === backslash) backslashes++;
  return backslashes % 2 === 1;
}
