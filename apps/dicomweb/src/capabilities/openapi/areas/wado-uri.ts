import { type Area, failures, type Operation, parameter, type Parameter, ref, type Schema } from '../operation.js';

const tag = { name: 'WADO-URI', description: 'One instance by a link, as DICOM or as a picture (PS3.18 9).' };

const query = (name: string, description: string, schema: Schema, required = false): Parameter => ({
  name,
  in: 'query',
  ...(required && { required }),
  description,
  schema,
});
const text: Schema = { type: 'string' };
const whole = (maximum: number): Schema => ({ type: 'integer', minimum: 1, maximum });
const bytes = { schema: { type: 'string', contentMediaType: 'application/octet-stream' } };

function retrieve(operationId: string): Operation {
  return {
    operationId,
    tags: [tag.name],
    summary: 'An instance, or a picture of it',
    description:
      'Without contentType and Accept, single images and single frames come as JPEG, all else as DICOM. Not done here, and answered with 406: anonymize.',
    parameters: [
      query('requestType', 'WADO', { type: 'string', enum: ['WADO'] }, true),
      query('objectUID', 'SOP Instance UID', ref('Uid'), true),
      query('studyUID', 'Study Instance UID; not needed', text),
      query('seriesUID', 'Series Instance UID; not needed', text),
      query('contentType', 'Media types, as in an Accept header field', text),
      query('transferSyntax', 'Of application/dicom: a Transfer Syntax UID', text),
      query('frameNumber', 'From 1', whole(2 ** 31 - 1)),
      query('rows', 'Pixels the picture may be high', whole(8192)),
      query('columns', 'Pixels the picture may be wide', whole(8192)),
      query('region', 'left,top,right,bottom of the image, from 0 to 1', text),
      query('windowCenter', 'With windowWidth', { type: 'number' }),
      query('windowWidth', 'With windowCenter', { type: 'number', minimum: 1 }),
      query('imageQuality', 'Of JPEG', whole(100)),
      query('annotation', 'Written on the picture: patient, technique', text),
      query('presentationUID', 'A presentation state of the same study to show the image by', text),
      query('presentationSeriesUID', 'Of the presentation state; not needed', text),
      parameter('Accept'),
      parameter('IfNoneMatch'),
      parameter('Range'),
    ],
    responses: {
      200: {
        description: 'As asked for.',
        headers: { ETag: { schema: text } },
        content: {
          'image/jpeg': bytes,
          'image/png': bytes,
          'application/dicom': bytes,
          'application/pdf': bytes,
          'video/mp4': bytes,
        },
      },
      206: { description: 'The part of it that Range names.', content: { 'application/dicom': bytes } },
      304: { description: 'The client has it.' },
      ...failures(400, 404, 406, 410, 416, 503),
    },
  };
}

/** dicomweb-client writes its links with the address of the other services. */
export const wadoUriArea: Area = {
  tag,
  paths: {
    '/wado': { get: retrieve('RetrieveByUri') },
    '/dicom-web': { get: retrieve('RetrieveByUriOfServices') },
  },
};
