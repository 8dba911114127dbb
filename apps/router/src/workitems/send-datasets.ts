import { type DicomJson, toNativeDicomXml } from '#libs/dicom';
import { HttpProblem } from '#libs/server';
import type { FastifyReply, FastifyRequest } from 'fastify';

const json = 'application/dicom+json';
const xml = 'application/dicom+xml';
const boundary = 'isocenter-workitems';

/** A workitem in the form the client takes (PS3.18 11.5.3): DICOM JSON where it has no preference. */
export async function sendDataset(request: FastifyRequest, reply: FastifyReply, dataset: DicomJson): Promise<void> {
  const isXml = prefersXml(request);
  const text = isXml ? toNativeDicomXml(dataset) : JSON.stringify(dataset);
  await reply
    .header('content-type', isXml ? xml : json)
    .header('vary', 'Accept')
    .send(Buffer.from(text));
}

/** Workitems found (PS3.18 11.9.3): an array in JSON; in XML a part each. */
export async function sendDatasets(request: FastifyRequest, reply: FastifyReply, datasets: DicomJson[]): Promise<void> {
  void reply.header('vary', 'Accept');
  if (!prefersXml(request)) {
    await reply.header('content-type', json).send(Buffer.from(JSON.stringify(datasets)));
    return;
  }
  const parts = datasets.map(
    (dataset) => `--${boundary}\r\nContent-Type: ${xml}\r\n\r\n${toNativeDicomXml(dataset)}\r\n`,
  );
  await reply
    .header('content-type', `multipart/related; type="${xml}"; boundary=${boundary}`)
    .send(Buffer.from(`${parts.join('')}--${boundary}--\r\n`));
}

/** @throws HttpProblem 406 where neither is wanted */
export function prefersXml(request: FastifyRequest): boolean {
  const query = new URLSearchParams((request.raw.url ?? '').split('?')[1] ?? '').get('accept')?.replaceAll(' ', '+');
  const accept = query ?? request.headers.accept ?? '';
  if (accept.trim() === '') return false;
  const ranges = accept.toLowerCase().split(',').map(readRange);
  const quality = (types: string[]) => Math.max(...ranges.map((range) => (types.includes(range.type) ? range.q : 0)));
  const [wantsXml, wantsJson] = [
    quality([xml, 'application/xml', 'text/xml']),
    quality([json, 'application/json', 'application/*', '*/*']),
  ];
  if (wantsXml === 0 && wantsJson === 0) {
    throw new HttpProblem(406, 'Not Acceptable', `Workitems can be had as ${json} or as ${xml}.`, {
      possible: [json, xml],
    });
  }
  return wantsXml > wantsJson;
}

function readRange(range: string): { type: string; q: number } {
  const [first = '', ...parameters] = range.split(';').map((part) => part.trim());
  const value = (name: string) =>
    parameters
      .find((parameter) => parameter.startsWith(`${name}=`))
      ?.slice(name.length + 1)
      .replaceAll('"', '');
  const type = first.startsWith('multipart/') ? (value('type') ?? '*/*') : first;
  return { type: type === 'application/json+dicom' ? json : type, q: Number(value('q') ?? 1) || 0 };
}
