import { type DicomJson, jsonItems } from '#libs/dicom';

const secondsMax = 30;
const duplicateSopInstance = 0x0111;

/**
 * Stores one instance over STOW-RS (PS3.18 10.5), as whoever is outside would; that it is here already is success.
 * @param url the DICOMweb root
 * @throws Error saying why it is not stored
 */
export async function storeReport(
  url: string,
  token: string | undefined,
  part10: Buffer,
  signal: AbortSignal,
): Promise<void> {
  const boundary = 'isocenter-review';
  const head = `--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`;
  const response = await fetch(`${url}/studies`, {
    method: 'POST',
    headers: {
      'content-type': `multipart/related; type="application/dicom"; boundary=${boundary}`,
      accept: 'application/dicom+json',
      // Tells our own archive that this is no study that arrives: it is not routed.
      'x-isocenter-origin': 'result',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: Buffer.concat([Buffer.from(head), part10, Buffer.from(`\r\n--${boundary}--\r\n`)]),
    signal: AbortSignal.any([signal, AbortSignal.timeout(secondsMax * 1000)]),
  });
  const body = await response.text();
  if (![200, 202, 409].includes(response.status)) {
    throw new Error(`The archive answered ${response.status} to the report.`);
  }
  const failures = jsonItems(JSON.parse(body) as DicomJson, '00081198').map((failed) =>
    Number(failed['00081197']?.Value?.[0]),
  );
  const refused = failures.find((reason) => reason !== duplicateSopInstance);
  if (refused !== undefined) {
    throw new Error(`The archive refused the report with failure reason 0x${refused.toString(16).padStart(4, '0')}.`);
  }
}
