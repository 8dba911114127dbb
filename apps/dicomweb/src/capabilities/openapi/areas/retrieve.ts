import { type Answer, type Area, failures, type Operation, parameter, pathParameters, ref } from '../operation.js';

const tag = { name: 'WADO-RS', description: 'Retrieve instances, metadata, frames and bulk data (PS3.18 10.4).' };
const study = '/dicom-web/studies/{study}';
const series = `${study}/series/{series}`;
const instance = `${series}/instances/{instance}`;

const bytes = { schema: { type: 'string', contentMediaType: 'application/octet-stream' } };
const headers = {
  ETag: { schema: { type: 'string' } },
  'Accept-Ranges': { description: 'bytes, where a part can be asked for', schema: { type: 'string' } },
};

interface Retrieval {
  id: string;
  summary: string;
  description?: string;
  content: NonNullable<Answer['content']>;
  hasRanges?: boolean;
}

function retrieve(path: string, { id, summary, description, content, hasRanges = false }: Retrieval) {
  const get: Operation = {
    operationId: id,
    tags: [tag.name],
    summary,
    ...(description !== undefined && { description }),
    parameters: [
      ...pathParameters(path),
      parameter('Accept'),
      parameter('IfNoneMatch'),
      ...(hasRanges ? [parameter('Range')] : []),
    ],
    responses: {
      200: { description: 'As asked for.', headers, content },
      ...(hasRanges && { 206: { description: 'The part of it that Range names.', headers, content } }),
      304: { description: 'The client has it.' },
      ...failures(400, 404, 406, 410, 503, ...(hasRanges ? [416] : [])),
    },
  };
  return { [path]: { get } };
}

const instances = {
  'multipart/related; type="application/dicom"': bytes,
  'application/zip': bytes,
};
const metadata = {
  'application/dicom+json': { schema: ref('DicomDatasets') },
  'application/json': { schema: ref('DicomDatasets') },
  'multipart/related; type="application/dicom+xml"': bytes,
};
const frames = {
  'multipart/related; type="application/octet-stream"': bytes,
  'multipart/related; type="image/jpeg"': bytes,
  'multipart/related; type="image/jls"': bytes,
  'multipart/related; type="image/jp2"': bytes,
  'multipart/related; type="image/jphc"': bytes,
  'multipart/related; type="image/dicom-rle"': bytes,
  'application/octet-stream': bytes,
};

export const retrieveArea: Area = {
  tag,
  paths: {
    ...retrieve(study, { id: 'RetrieveStudy', summary: 'All instances of a study', content: instances }),
    ...retrieve(series, { id: 'RetrieveSeries', summary: 'All instances of a series', content: instances }),
    ...retrieve(instance, {
      id: 'RetrieveInstance',
      summary: 'One instance',
      description:
        'Explicit VR Little Endian where no transfer syntax is asked for, unless it was compressed with loss; `transfer-syntax=*` gives it byte for byte as it was stored.',
      content: { ...instances, 'application/dicom': bytes },
      hasRanges: true,
    }),
    ...retrieve(`${study}/metadata`, {
      id: 'RetrieveStudyMetadata',
      summary: 'Data sets of a study, without bulk data',
      content: metadata,
    }),
    ...retrieve(`${series}/metadata`, {
      id: 'RetrieveSeriesMetadata',
      summary: 'Data sets of a series, without bulk data',
      content: metadata,
    }),
    ...retrieve(`${instance}/metadata`, {
      id: 'RetrieveInstanceMetadata',
      summary: 'The data set of an instance, without bulk data',
      content: { ...metadata, 'application/dicom+xml': bytes },
    }),
    ...retrieve(`${instance}/frames/{frames}`, {
      id: 'RetrieveFrames',
      summary: 'Frames, in the order asked for',
      description:
        'In the transfer syntax asked for: stored ones come as they are, others are transcoded where a codec can.',
      content: frames,
      hasRanges: true,
    }),
    ...[study, series, instance].reduce((paths, place, at) => {
      const of = ['Study', 'Series', 'Instance'][at]!;
      const description = 'One part a value, or a frame where it is compressed, with its address as Content-Location.';
      const content = { 'multipart/related; type="application/octet-stream"': bytes };
      return {
        ...paths,
        ...retrieve(`${place}/bulkdata`, {
          id: `Retrieve${of}Bulkdata`,
          summary: `All bulk data of a ${of.toLowerCase()}`,
          description,
          content,
        }),
        ...retrieve(`${place}/pixeldata`, {
          id: `Retrieve${of}PixelData`,
          summary: `All pixel data of a ${of.toLowerCase()}`,
          description,
          content,
        }),
      };
    }, {}),
    ...retrieve(`${instance}/bulkdata/{path}`, {
      id: 'RetrieveBulkdata',
      summary: 'A value that the metadata gives by reference',
      description: 'The path is GGGGEEEE, or through sequences GGGGEEEE/0/GGGGEEEE, as BulkDataURI has it.',
      content: {
        'multipart/related; type="application/octet-stream"': bytes,
        'application/octet-stream': bytes,
        'application/pdf': bytes,
        'video/mp4': bytes,
      },
      hasRanges: true,
    }),
  },
};
