import { type DicomJson, keywordToTag, tagVr } from '#libs/dicom';
import type { Code } from './code.js';

type Value = string | number | DicomJson | { Alphabetic: string };

/**
 * A dataset by keyword, as the tables of PS3.3 write it. undefined leaves an attribute out; an empty list is an attribute without a
 * value (type 2).
 */
export function dataset(attributes: Record<string, Value | readonly Value[] | undefined>): DicomJson {
  const json: DicomJson = {};
  for (const [keyword, given] of Object.entries(attributes)) {
    if (given === undefined) continue;
    const tag = keywordToTag(keyword);
    const vr = tag && (vrsOfChoice[keyword] ?? tagVr(tag));
    if (tag === undefined || vr === undefined)
      throw new Error(`${keyword} is no keyword of the DICOM data dictionary.`);
    const values = Array.isArray(given) ? (given as readonly Value[]) : [given as Value];
    json[tag] = values.length === 0 ? { vr } : { vr, Value: [...values] };
  }
  return json;
}

/** Attributes whose VR the dictionary leaves to Pixel Representation; ours are unsigned. */
const vrsOfChoice: Record<string, string> = {
  PixelPaddingValue: 'US',
  SmallestImagePixelValue: 'US',
  LargestImagePixelValue: 'US',
};

export function codeItem({ value, scheme, meaning }: Code): DicomJson {
  return dataset({ CodeValue: value, CodingSchemeDesignator: scheme, CodeMeaning: meaning });
}
