import { type DicomJson, jsonNumber } from '#libs/dicom';

/**
 * The frame that shows a multi-frame instance best: the one its creator named (Representative Frame Number, 0028,6010),
 * else the middle one.
 * @returns counting from 0
 */
export function chooseFrame(dataset: DicomJson, numberOfFrames: number): number {
  const named = jsonNumber(dataset, '00286010');
  if (named !== undefined && Number.isInteger(named) && named >= 1 && named <= numberOfFrames) return named - 1;
  return Math.floor(numberOfFrames / 2);
}
