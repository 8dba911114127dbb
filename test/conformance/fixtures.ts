import type { ConformanceServer } from './conformance-server.js';
import type { InstanceDescription } from '../support/make-instance.js';
import { mosaicJpeg } from '../support/mosaic-jpeg.js';

type Fixture = (server: ConformanceServer) => InstanceDescription[];

const code = (value: string, scheme: string, meaning: string) => ({
  '00080100': { vr: 'SH', Value: [value] },
  '00080102': { vr: 'SH', Value: [scheme] },
  '00080104': { vr: 'LO', Value: [meaning] },
});

/** So many bytes that look like nothing in particular and differ from frame to frame. */
export function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed * 2654435761 + 1;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** 16-bit words, all the same. */
function flat16(pixels: number, value: number): Buffer {
  const bytes = Buffer.alloc(pixels * 2);
  for (let at = 0; at < bytes.length; at += 2) bytes.writeUInt16LE(value, at);
  return bytes;
}

/** Frames of the fixture `many`. */
export const manyFrames = 100_000;

/** A frame of four pixels in RLE Lossless (PS3.5 Annex G), which spell the frame's number. */
function rleFrame(number: number): Buffer {
  const frame = Buffer.alloc(70);
  frame.writeUInt32LE(1, 0);
  frame.writeUInt32LE(64, 4);
  frame[64] = 3; // four literal bytes
  frame.writeUInt32BE(number, 65);
  frame[69] = 0x80; // no operation: an even length
  return frame;
}

const jpeg = (seed: number, components: 1 | 3 = 3) =>
  mosaicJpeg(
    16,
    16,
    components,
    (component, row, column) => (seed * 37 + component * 50 + row * 90 + column * 60) % 256,
  );

const slideAttributes = {
  '00200052': { vr: 'UI', Value: ['1.2.826.0.1.3680043.8.498.1'] },
  '00480008': {
    vr: 'SQ',
    Value: [{ '0040072A': { vr: 'DS', Value: [20] }, '0040073A': { vr: 'DS', Value: [30] } }],
  },
  '00480102': { vr: 'DS', Value: [0, -1, 0, -1, 0, 0] },
  '00480105': {
    vr: 'SQ',
    Value: [
      {
        '00220016': { vr: 'SQ', Value: [code('111744', 'DCM', 'Brightfield illumination')] },
        '00480106': { vr: 'SH', Value: ['1'] },
      },
    ],
  },
  '52009229': {
    vr: 'SQ',
    Value: [{ '00289110': { vr: 'SQ', Value: [{ '00280030': { vr: 'DS', Value: [0.001, 0.001] } }] } }],
  },
};

/** Instances by what they are for. Study Instance UIDs and patients are the run's own where none is given. */
export const fixtures = {
  /** A study of a CT series of three slices and a report. */
  chest: (server) => {
    const study = server.uid('chest');
    const common: InstanceDescription = {
      studyInstanceUid: study,
      studyDate: '20240115',
      studyDescription: `Chest ${server.run}`,
      accessionNumber: `${server.run}C`,
    };
    const series = {
      '0008103E': { vr: 'LO', Value: ['Axial 5.0'] },
      '00080090': { vr: 'PN', Value: [{ Alphabetic: 'Referring^Doctor' }] },
      '00400244': { vr: 'DA', Value: ['20240115'] },
      '00400245': { vr: 'TM', Value: ['101000'] },
      '00400275': {
        vr: 'SQ',
        Value: [{ '00400009': { vr: 'SH', Value: ['STEP1'] }, '00401001': { vr: 'SH', Value: ['PROC1'] } }],
      },
    };
    const slices = [1, 2, 3].map((instanceNumber) => ({
      ...common,
      instanceNumber,
      attributes: series,
      frameBytes: [noise(128, instanceNumber)],
      bitsStored: 16,
    }));
    return [...slices, { ...common, modality: 'SR' }];
  },

  /** One patient, three studies: CT and SR, then MR, then US. */
  patient: (server) => {
    const of = (modality: string, studyDate: string, number: number): InstanceDescription => ({
      modality,
      studyDate,
      instanceNumber: number,
      studyInstanceUid: server.uid(`patient ${studyDate}`),
      accessionNumber: `${server.run}${studyDate.slice(2, 6)}`,
      studyDescription: `Visit of ${studyDate}`,
    });
    return [
      of('CT', '20230310', 1),
      of('CT', '20230310', 2),
      of('SR', '20230310', 3),
      of('MR', '20240115', 1),
      of('US', '20240220', 1),
    ];
  },

  /** Studies whose texts hold what query languages and patterns take for their own. */
  literal: (server) =>
    ['50% sure', '50X sure', 'a_b', 'aXb', 'a.b(c)', 'aXb(c)', 'x[y]z', 'it\'s "so"; --', 'lower'].map(
      (text, index) => ({
        studyInstanceUid: server.uid(`literal ${index}`),
        studyDescription: text,
        accessionNumber: `${server.run}L${index}`,
      }),
    ),

  /** Patient names in another encoding than that of answers, in three component groups, and one that sounds like others. */
  names: () => [
    {
      modality: 'CR',
      attributes: {
        '00080005': { vr: 'CS', Value: ['ISO_IR 100'] },
        '00100010': { vr: 'PN', InlineBinary: Buffer.from('M\xfcller^Ren\xe9e ', 'latin1').toString('base64') },
      },
    },
    {
      modality: 'DX',
      attributes: {
        '00100010': {
          vr: 'PN',
          Value: [{ Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' }],
        },
        '00101001': { vr: 'PN', Value: [{ Alphabetic: 'Other^Name' }, { Ideographic: '山田' }] },
      },
    },
    { modality: 'MG', patientName: 'Schmidt^Anna' },
  ],

  /** A study of which the modality is not known. */
  nameless: () => [{ modality: 'OT', omit: ['00080060'] }],

  /** What the DICOM JSON Model has a rule about. */
  odd: () => [
    {
      attributes: {
        '00080000': { vr: 'UL', Value: [0] }, // a group length, as old writers put there
        '00080008': { vr: 'CS', Value: ['ORIGINAL', null, 'AXIAL'] },
        '00081010': { vr: 'SH', Value: ['ODD'] },
        '00081140': { vr: 'SQ' },
        '00082112': { vr: 'SQ', Value: [{}] },
        '00090010': { vr: 'LO', Value: ['CONFORMANCE'] },
        '00091010': { vr: 'UN', InlineBinary: noise(10, 1).toString('base64') },
        '00091011': { vr: 'UN', InlineBinary: noise(6000, 2).toString('base64') },
        '00180088': { vr: 'DS', Value: ['1.0000000000001'] },
        '00200012': { vr: 'IS', Value: ['7'] },
        '00200052': { vr: 'UI', Value: ['1.2.3'] },
        '00200062': { vr: 'CS' },
        '00280009': { vr: 'AT', Value: ['00181063'] },
        '00281201': { vr: 'OW', InlineBinary: noise(512, 3).toString('base64') },
        '00282000': { vr: 'OB', InlineBinary: noise(70_000, 4).toString('base64') },
        '60000010': { vr: 'US', Value: [64] },
        '60000011': { vr: 'US', Value: [64] },
        '60000040': { vr: 'CS', Value: ['G'] },
        '60000050': { vr: 'SS', Value: [1, 1] },
        '60000100': { vr: 'US', Value: [1] },
        '60000102': { vr: 'US', Value: [0] },
        '60003000': { vr: 'OW', InlineBinary: noise(512, 5).toString('base64') },
      },
    },
  ],

  /** A cine of five JPEG frames. */
  cine: () => [
    {
      modality: 'US',
      rows: 16,
      columns: 16,
      samplesPerPixel: 3,
      frames: 5,
      transferSyntaxUid: '1.2.840.10008.1.2.4.50',
      frameBytes: [1, 2, 3, 4, 5].map((number) => even(jpeg(number))),
    },
  ],

  /** JPEG frames of three fragments each and no offset table. */
  fragments: () => [
    {
      modality: 'XA',
      rows: 16,
      columns: 16,
      samplesPerPixel: 3,
      frames: 3,
      transferSyntaxUid: '1.2.840.10008.1.2.4.50',
      frameBytes: [6, 7, 8].map((number) => even(jpeg(number))),
      fragmentsPerFrame: 3,
      basicOffsetTable: false,
    },
  ],

  /** Uncompressed colour frames of an odd number of bytes. */
  colour: () => [
    {
      modality: 'OT',
      sopClassUid: '1.2.840.10008.5.1.4.1.1.7.4',
      rows: 5,
      columns: 7,
      samplesPerPixel: 3,
      frames: 3,
      frameBytes: [1, 2, 3].map((number) => noise(105, number)),
    },
  ],

  /** The same slice in Implicit VR Little Endian, Explicit VR Big Endian and Deflated. */
  encodings: (server) =>
    ['1.2.840.10008.1.2', '1.2.840.10008.1.2.2', '1.2.840.10008.1.2.1.99'].map((transferSyntaxUid, index) => ({
      modality: 'MR',
      studyInstanceUid: server.uid('encodings'),
      instanceNumber: index + 1,
      transferSyntaxUid,
      bitsStored: 16,
      frameBytes: [noise(128, 9)],
    })),

  /** Three single-bit frames of 25 pixels, packed without a gap. */
  segmentation: () => [
    {
      modality: 'SEG',
      sopClassUid: '1.2.840.10008.5.1.4.1.1.66.4',
      rows: 5,
      columns: 5,
      frames: 3,
      bitsAllocated: 1,
      frameBytes: [noise(10, 11)],
      attributes: {
        '00280101': { vr: 'US', Value: [1] },
        '00280102': { vr: 'US', Value: [0] },
        '00620001': { vr: 'CS', Value: ['BINARY'] },
        '00620002': {
          vr: 'SQ',
          Value: [{ '00620004': { vr: 'US', Value: [1] }, '00620005': { vr: 'LO', Value: ['Lesion'] } }],
        },
        '52009229': {
          vr: 'SQ',
          Value: [{ '00289110': { vr: 'SQ', Value: [{ '00180050': { vr: 'DS', Value: [5] } }] } }],
        },
        '52009230': {
          vr: 'SQ',
          Value: [1, 2, 3].map((number) => ({
            '00209113': { vr: 'SQ', Value: [{ '00200032': { vr: 'DS', Value: [0, 0, number * 5] } }] },
          })),
        },
      },
    },
  ],

  /** A slide: one level of four tiles with their places, and a level of one tile that says so. */
  slide: (server) => {
    const common: InstanceDescription = {
      modality: 'SM',
      studyInstanceUid: server.uid('slide'),
      rows: 16,
      columns: 16,
      samplesPerPixel: 3,
      transferSyntaxUid: '1.2.840.10008.1.2.4.50',
    };
    return [
      {
        ...common,
        instanceNumber: 1,
        frames: 4,
        frameBytes: [1, 2, 3, 4].map((number) => even(jpeg(number + 20))),
        attributes: {
          ...slideAttributes,
          '00209311': { vr: 'CS', Value: ['TILED_SPARSE'] },
          '00480006': { vr: 'UL', Value: [32] },
          '00480007': { vr: 'UL', Value: [32] },
          '52009230': {
            vr: 'SQ',
            Value: [
              [1, 1],
              [17, 1],
              [1, 17],
              [17, 17],
            ].map(([column, row]) => ({
              '0048021A': {
                vr: 'SQ',
                Value: [{ '0048021E': { vr: 'SL', Value: [column] }, '0048021F': { vr: 'SL', Value: [row] } }],
              },
            })),
          },
        },
      },
      {
        ...common,
        instanceNumber: 2,
        frames: 1,
        frameBytes: [even(jpeg(30))],
        attributes: {
          ...slideAttributes,
          '00209311': { vr: 'CS', Value: ['TILED_FULL'] },
          '00280008': { vr: 'IS', Value: [1] },
          '00480006': { vr: 'UL', Value: [16] },
          '00480007': { vr: 'UL', Value: [16] },
        },
      },
    ];
  },

  /** 100,000 frames. */
  many: () => [
    {
      modality: 'OT',
      sopClassUid: '1.2.840.10008.5.1.4.1.1.7.2',
      rows: 1,
      columns: 4,
      bitsAllocated: 8,
      frames: manyFrames,
      transferSyntaxUid: '1.2.840.10008.1.2.5',
      frameBytes: Array.from({ length: manyFrames }, (_, index) => rleFrame(index + 1)),
    },
  ],

  /** A series of more instances than a page of results has. */
  long: (server) =>
    Array.from({ length: 250 }, (_, index) => ({
      studyInstanceUid: server.uid('long'),
      instanceNumber: index + 1,
    })),

  /** The same ramp as MONOCHROME2 and as MONOCHROME1. */
  monochrome: (server) =>
    ['MONOCHROME2', 'MONOCHROME1'].map((photometricInterpretation, index) => ({
      modality: 'DX',
      studyInstanceUid: server.uid('monochrome'),
      instanceNumber: index + 1,
      rows: 16,
      columns: 16,
      bitsStored: 8,
      bitsAllocated: 8,
      photometricInterpretation,
      frameBytes: [Buffer.from(Array.from({ length: 256 }, (_, at) => (at % 16 < 8 ? 20 : 235)))],
      attributes: { '00281050': { vr: 'DS', Value: [128] }, '00281051': { vr: 'DS', Value: [256] } },
    })),

  /** Two frames of the same pixels, each with a window of its own. */
  windows: () => [
    {
      modality: 'CT',
      sopClassUid: '1.2.840.10008.5.1.4.1.1.2.1',
      rows: 16,
      columns: 16,
      bitsStored: 16,
      frames: 2,
      frameBytes: [flat16(256, 50), flat16(256, 50)],
      omit: ['00281052', '00281053'],
      attributes: {
        '52009230': {
          vr: 'SQ',
          Value: [
            [50, 100],
            [400, 800],
          ].map(([center, width]) => ({
            '00289132': {
              vr: 'SQ',
              Value: [{ '00281050': { vr: 'DS', Value: [center] }, '00281051': { vr: 'DS', Value: [width] } }],
            },
            '00289145': {
              vr: 'SQ',
              Value: [
                {
                  '00281052': { vr: 'DS', Value: [0] },
                  '00281053': { vr: 'DS', Value: [1] },
                  '00281054': { vr: 'LO', Value: ['US'] },
                },
              ],
            },
          })),
        },
      },
    },
  ],

  /** A series whose first instance has no pixels. */
  mixed: (server) =>
    [0, 1].map((frames) => ({
      modality: 'OT',
      studyInstanceUid: server.uid('mixed'),
      sopClassUid: frames === 0 ? '1.2.840.10008.5.1.4.1.1.66' : '1.2.840.10008.5.1.4.1.1.7',
      frames,
      instanceNumber: frames + 1,
    })),

  /** A presentation state. */
  presentation: () => [{ modality: 'PR', sopClassUid: '1.2.840.10008.5.1.4.1.1.11.1', frames: 0 }],

  /** A video: an MP4 file (ISO 14496-12) with nothing to play in it. */
  video: () => [
    {
      modality: 'ES',
      sopClassUid: '1.2.840.10008.5.1.4.1.1.77.1.1.1',
      rows: 16,
      columns: 16,
      samplesPerPixel: 3,
      frames: 20,
      photometricInterpretation: 'YBR_PARTIAL_420',
      transferSyntaxUid: '1.2.840.10008.1.2.4.102',
      frameBytes: [mp4()],
    },
  ],

  /** An encapsulated PDF. */
  document: () => [
    {
      modality: 'DOC',
      sopClassUid: '1.2.840.10008.5.1.4.1.1.104.1',
      frames: 0,
      attributes: {
        '00420010': { vr: 'ST', Value: ['A document'] },
        '00420011': { vr: 'OB', InlineBinary: pdf().toString('base64') },
        '00420012': { vr: 'LO', Value: ['application/pdf'] },
      },
    },
  ],
} satisfies Record<string, Fixture>;

export type FixtureName = keyof typeof fixtures;

/** Frames of an even length stand in the object as they are, so that what comes back can be compared byte by byte. */
function even(bytes: Uint8Array): Uint8Array {
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from([0])]);
}

function mp4(): Buffer {
  const box = (type: string, content: Buffer) => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(8 + content.length, 0);
    head.write(type, 4, 'latin1');
    return Buffer.concat([head, content]);
  };
  return Buffer.concat([box('ftyp', Buffer.from('isom\0\0\0\x01isomavc1', 'latin1')), box('free', noise(5000, 12))]);
}

/** One empty page. */
export function pdf(): Buffer {
  const objects = [
    '<</Type/Catalog/Pages 2 0 R>>',
    '<</Type/Pages/Kids[3 0 R]/Count 1>>',
    '<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>',
  ];
  let text = '%PDF-1.4\n';
  const offsets = objects.map((object, index) => {
    const offset = text.length;
    text += `${index + 1} 0 obj${object}endobj\n`;
    return String(offset).padStart(10, '0');
  });
  const table = text.length;
  text += `xref\n0 4\n0000000000 65535 f \n${offsets.map((offset) => `${offset} 00000 n \n`).join('')}`;
  text += `trailer<</Size 4/Root 1 0 R>>\nstartxref\n${table}\n%%EOF`;
  return Buffer.from(text.length % 2 === 0 ? text : `${text}\n`);
}
