import { describe, expect, it } from '@jest/globals';
import { describeRepresentation, lastingOffers, negotiateAccept, type Representation } from './negotiate-accept.js';

const explicitLittleEndian = '1.2.840.10008.1.2.1';
const jpegLs = '1.2.840.10008.1.2.4.80';
const jpegBaseline = '1.2.840.10008.1.2.4.50';

/** What can be given of a frame stored as JPEG-LS, the server's preference first. */
const jlsFrame: Representation[] = [
  { mediaType: 'application/octet-stream', isMultipart: true, transferSyntaxUid: jpegLs },
  { mediaType: 'image/jls', isMultipart: true, transferSyntaxUid: jpegLs },
  { mediaType: 'application/octet-stream', isMultipart: false, transferSyntaxUid: jpegLs },
  { mediaType: 'image/jls', isMultipart: false, transferSyntaxUid: jpegLs },
];
const nativeFrame: Representation[] = [
  { mediaType: 'application/octet-stream', isMultipart: true, transferSyntaxUid: explicitLittleEndian },
  { mediaType: 'application/octet-stream', isMultipart: false, transferSyntaxUid: explicitLittleEndian },
];
const jpegFrame: Representation[] = [
  { mediaType: 'application/octet-stream', isMultipart: true, transferSyntaxUid: jpegBaseline },
  { mediaType: 'image/jpeg', isMultipart: true, transferSyntaxUid: jpegBaseline },
];
const json: Representation[] = [
  { mediaType: 'application/dicom+json', isMultipart: false },
  { mediaType: 'application/json', isMultipart: false },
];
const picture: Representation[] = [
  { mediaType: 'image/jpeg', isMultipart: false },
  { mediaType: 'image/png', isMultipart: false },
];

const pick = (possible: Representation[], header: string | undefined, query?: string) => {
  const chosen = negotiateAccept({ header, query }, possible);
  return chosen === undefined ? '406' : describeRepresentation(chosen);
};

const jlsMultipart = `multipart/related; type="application/octet-stream"; transfer-syntax=${jpegLs}`;
const jlsImage = `multipart/related; type="image/jls"; transfer-syntax=${jpegLs}`;
const nativeMultipart = `multipart/related; type="application/octet-stream"; transfer-syntax=${explicitLittleEndian}`;

const htj2kImage = 'multipart/related; type="image/jphc"; transfer-syntax=1.2.840.10008.1.2.4.201';
const losslessImage = 'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.70';

/** What can be given of a frame stored as JPEG-LS where codecs are at hand. */
const madeFrame: Representation[] = [
  ...jlsFrame.map((offer) => ({ ...offer, isStored: true, isMade: false })),
  ...[
    { mediaType: 'application/octet-stream', transferSyntaxUid: explicitLittleEndian },
    { mediaType: 'image/jphc', transferSyntaxUid: '1.2.840.10008.1.2.4.201' },
    { mediaType: 'image/jpeg', transferSyntaxUid: '1.2.840.10008.1.2.4.70' },
  ].map((offer) => ({ ...offer, isMultipart: true, isStored: false, isMade: true })),
  { mediaType: 'image/jpeg', isMultipart: true, transferSyntaxUid: jpegBaseline, isMade: true, isNamedOnly: true },
];

describe('negotiateAccept on frames that can be made', () => {
  it.each([
    [undefined, jlsMultipart],
    ['*/*', jlsMultipart],
    ['multipart/related; type="application/octet-stream"; transfer-syntax=*', jlsMultipart],
    ['multipart/related; type="application/octet-stream"', nativeMultipart],
    ['multipart/related; type="image/*"', jlsImage],
    // At equal quality nothing is made that need not be, whatever the order; else as the client says.
    [
      `multipart/related; type="image/jpeg"; transfer-syntax=${jpegBaseline}, multipart/related; type="image/jls"; transfer-syntax=${jpegLs}`,
      jlsImage,
    ],
    [`multipart/related; type="image/jphc", multipart/related; type="image/jls"; q=0.5`, htj2kImage],
    ['multipart/related; type="image/jpeg"', losslessImage],
    ['multipart/related; type="image/jpeg"; transfer-syntax=*', losslessImage],
    [
      `multipart/related; type="image/jpeg"; transfer-syntax=${jpegBaseline}`,
      `multipart/related; type="image/jpeg"; transfer-syntax=${jpegBaseline}`,
    ],
  ])('chooses for %j', (header, expected) => {
    expect(pick(madeFrame, header)).toBe(expected);
  });
});

describe('negotiateAccept on frames', () => {
  it.each([
    [undefined, jlsMultipart],
    ['', jlsMultipart],
    ['*/*', jlsMultipart],
    ['multipart/related; type=application/octet-stream; transfer-syntax=*', jlsMultipart],
    ['multipart/related; type="application/octet-stream"; transfer-syntax="*"', jlsMultipart],
    ['multipart/related; type="image/x-jls"', jlsImage],
    ['multipart/related; type="image/*"', jlsImage],
    ['multipart/related', jlsMultipart],
    [`multipart/related; type="image/jls"; transfer-syntax=${jpegLs}`, jlsImage],
    [
      `multipart/related; type="image/jls"; transfer-syntax=${jpegLs}, multipart/related; type="application/octet-stream"; transfer-syntax=*`,
      jlsImage,
    ],
    [`image/jls`, `image/jls; transfer-syntax=${jpegLs}`],
    ['application/octet-stream', `application/octet-stream; transfer-syntax=${jpegLs}`],
    [`multipart/related; type="application/octet-stream"; transfer-syntax=${explicitLittleEndian}`, '406'],
    ['multipart/related; type="image/jp2"', '406'],
    ['multipart/related; type="video/mp4", image/gif', '406'],
    ['image/jls;q=0', '406'],
    ['nonsense', '406'],
  ])('stored as JPEG-LS, Accept: %s', (header, expected) => {
    expect(pick(jlsFrame, header)).toBe(expected);
  });

  it('gives what is stored when a client names no transfer syntax and the default one cannot be made', () => {
    expect(pick(jlsFrame, 'multipart/related; type="application/octet-stream"')).toBe(jlsMultipart);
    expect(pick(jpegFrame, 'multipart/related; type="image/jpeg"')).toBe(
      `multipart/related; type="image/jpeg"; transfer-syntax=${jpegBaseline}`,
    );
  });

  it('prefers the media type’s default transfer syntax when it can be made', () => {
    const both = [...jlsFrame, ...nativeFrame];
    expect(pick(both, 'multipart/related; type="application/octet-stream"')).toBe(nativeMultipart);
    expect(pick(both, 'multipart/related; type="application/octet-stream"; transfer-syntax=*')).toBe(jlsMultipart);
  });

  it('gives what is stored for any transfer syntax, and what is said to be the default for none', () => {
    const implicit = '1.2.840.10008.1.2';
    const rewritten: Representation[] = [
      { mediaType: 'application/dicom', isMultipart: false, transferSyntaxUid: explicitLittleEndian, isStored: false },
      { mediaType: 'application/dicom', isMultipart: false, transferSyntaxUid: implicit, isStored: true },
    ];
    expect(pick(rewritten, 'application/dicom; transfer-syntax=*')).toBe(
      `application/dicom; transfer-syntax=${implicit}`,
    );
    for (const header of [
      'application/dicom',
      '*/*',
      undefined,
      `application/dicom; transfer-syntax=${explicitLittleEndian}`,
    ]) {
      expect(pick(rewritten, header)).toBe(`application/dicom; transfer-syntax=${explicitLittleEndian}`);
    }
    const lossy: Representation[] = [
      { mediaType: 'application/dicom', isMultipart: false, transferSyntaxUid: explicitLittleEndian, isDefault: false },
      { mediaType: 'application/dicom', isMultipart: false, transferSyntaxUid: jpegBaseline, isDefault: true },
    ];
    expect(pick(lossy, 'application/dicom')).toBe(`application/dicom; transfer-syntax=${jpegBaseline}`);
  });

  it('weighs quality before order, and order before its own preference', () => {
    const a = `multipart/related; type="image/jls"; transfer-syntax=${jpegLs}`;
    const b = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';
    expect(pick(jlsFrame, `${b};q=0.5, ${a};q=0.9`)).toBe(jlsImage);
    expect(pick(jlsFrame, `${b}, ${a}`)).toBe(jlsMultipart);
    expect(pick(jlsFrame, `${a}, ${b}`)).toBe(jlsImage);
    expect(pick(jlsFrame, `${a};q=0.1, */*;q=0.2`)).toBe(jlsMultipart);
  });

  it('lets a closer range overrule a wider one', () => {
    expect(pick(jlsFrame, 'multipart/related; type="image/jls"; q=0, multipart/related; type="image/*"')).toBe('406');
    expect(pick(picture, 'image/jpeg;q=0, image/*')).toBe('image/png');
    expect(pick(picture, '*/*;q=0.1, image/png;q=0')).toBe('image/jpeg');
  });
});

describe('negotiateAccept on JSON', () => {
  it.each([
    [undefined, 'application/dicom+json'],
    ['*/*', 'application/dicom+json'],
    ['application/dicom+json', 'application/dicom+json'],
    ['application/json', 'application/json'],
    ['application/dicom+json, application/json', 'application/dicom+json'],
    ['application/dicom+json;q=0.9, */*;q=0.1', 'application/dicom+json'],
    [
      'application/dicom+json, multipart/related; type="application/octet-stream"; transfer-syntax=*',
      'application/dicom+json',
    ],
    ['multipart/related; type="application/dicom+xml"', '406'],
    ['application/dicom+xml', '406'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'application/dicom+json'],
  ])('Accept: %s', (header, expected) => {
    expect(pick(json, header)).toBe(expected);
  });
});

describe('the accept query parameter', () => {
  it.each([
    ['*/*', 'image/png', 'image/png'],
    [undefined, 'image/png', 'image/png'],
    ['image/jpeg', 'image/png', 'image/png'],
    ['image/png', '', 'image/png'],
    ['image/png', 'image/gif', 'image/png'],
    [undefined, 'image/gif', '406'],
    ['image/gif', 'image/webp', '406'],
    ['image/*', 'image/webp, image/jpeg;q=0.2', 'image/jpeg'],
  ])('header %s, query %s: %s (PS3.18 8.7.8)', (header, query, expected) => {
    expect(pick(picture, header, query)).toBe(expected);
  });
});

describe('lists that are asked for again', () => {
  it('give what was chosen before to who asks the same way, and to nobody else', () => {
    const lasting = lastingOffers([...picture]);
    const asked: [string | undefined, string | undefined][] = [
      ['image/png', undefined],
      [undefined, 'image/png'],
      ['image/jpeg', 'image/png'],
      ['image/png', 'image/jpeg'],
      ['', 'image/png'],
      [undefined, undefined],
      ['image/gif', undefined],
      [`image/png${', image/png'.repeat(100)}`, undefined],
    ];
    for (let round = 0; round < 2; round += 1) {
      for (const [header, query] of asked) {
        expect(negotiateAccept({ header, query }, lasting)).toBe(negotiateAccept({ header, query }, picture));
      }
    }
    for (let count = 0; count < 1000; count += 1) {
      expect(negotiateAccept({ header: `image/png;q=0.1${count}`, query: undefined }, lasting)).toBe(picture[1]);
    }
  });
});
