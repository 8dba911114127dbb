import { type Behaviour } from '../behaviour.js';
import { manyFrames } from '../fixtures.js';
import { parameterOf, partHeaderBytesMax } from '../read-parts.js';

const area = 'frames';
const jpegBaseline = '1.2.840.10008.1.2.4.50';
const explicitLittleEndian = '1.2.840.10008.1.2.1';
const storedAsIs = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';

/** A frame as sent, whether or not the padding that made its length even came along. */
const isFrame = (body: Buffer, frame: Uint8Array): boolean =>
  body.equals(frame) || (frame.at(-1) === 0 && body.equals(frame.subarray(0, -1)));

/** Pixels by frame number, PS3.18 10.4.1.1.6. */
export const frames: readonly Behaviour[] = [
  {
    id: 'frames.accept-unquoted',
    area,
    name: 'gives the stored frame to an Accept with unquoted parameters',
    source: 'cornerstone: its default',
    level: 'required',
    async check(server) {
      const { path, frames: sent } = (await server.fixture('cine')).instances[0]!;
      const answer = await server.get(
        `${path}/frames/1`,
        'multipart/related; type=application/octet-stream; transfer-syntax=*',
      );
      answer.is(200).holds(isFrame(answer.part().body, sent[0]!), 'the stored JPEG codestream');
    },
  },
  {
    id: 'frames.accept-quoted',
    area,
    name: 'gives the stored frame to an Accept with quotes around both parameters',
    source: 'OHIF: its default',
    level: 'required',
    async check(server) {
      const { path, frames: sent } = (await server.fixture('cine')).instances[0]!;
      const answer = await server.get(
        `${path}/frames/2`,
        'multipart/related; type="application/octet-stream"; transfer-syntax="*"',
      );
      answer.is(200).holds(isFrame(answer.part().body, sent[1]!), 'the stored JPEG codestream');
    },
  },
  {
    id: 'frames.accept-several',
    area,
    name: 'chooses among several multipart media types in one Accept',
    source: 'dicomweb-client (JS): a list of mediaTypes; PS3.18 8.7.5',
    level: 'required',
    async check(server) {
      const { path, frames: sent } = (await server.fixture('cine')).instances[0]!;
      const answer = await server.get(
        `${path}/frames/1`,
        `multipart/related; type="image/jls"; transfer-syntax=1.2.840.10008.1.2.4.80, multipart/related; type="image/jpeg"; transfer-syntax=${jpegBaseline}, multipart/related; type="application/octet-stream"; transfer-syntax=${explicitLittleEndian}`,
      );
      const part = answer.is(200).part();
      const type = part.headers['content-type'] ?? '';
      if (type.startsWith('image/jpeg')) answer.holds(isFrame(part.body, sent[0]!), 'the stored JPEG codestream');
      else answer.holds(/^(image\/jls|application\/octet-stream)/.test(type), 'one of the media types asked for', type);
    },
  },
  {
    id: 'frames.legacy-media-types',
    area,
    name: 'takes media types by their former names and answers by the present ones',
    source: 'cornerstone and OHIF still send image/x-jls, image/x-dicom-rle and the like; PS3.18 table 8.7.3-5',
    level: 'recommended',
    async check(server) {
      const { path } = (await server.fixture('many')).instances[0]!;
      const answer = await server.get(
        `${path}/frames/1`,
        'multipart/related; type="image/x-dicom-rle"; transfer-syntax=1.2.840.10008.1.2.5',
      );
      const part = answer.is(200).part();
      const type = part.headers['content-type'] ?? '';
      answer.holds(type.startsWith('image/dicom-rle'), 'a part of image/dicom-rle', type);
    },
  },
  {
    id: 'frames.part-content-type',
    area,
    name: 'says in each part, in this letter case, Content-Type: <type>; transfer-syntax=<uid>',
    source: 'cornerstone: matches the case, and takes Implicit VR Little Endian without the parameter',
    level: 'required',
    async check(server) {
      for (const [fixture, syntax] of [
        ['cine', jpegBaseline],
        ['chest', explicitLittleEndian],
      ] as const) {
        const { path } = (await server.fixture(fixture)).instances[0]!;
        const answer = await server.get(`${path}/frames/1`, storedAsIs);
        const { headerText } = answer.is(200).part();
        const line = /^Content-Type: ([^;\r]+); ?transfer-syntax="?([\d.]+)"?$/m.exec(
          headerText.replaceAll('\r\n', '\n'),
        );
        answer.holds(
          line?.[2] === syntax,
          `Content-Type: <type>; transfer-syntax=${syntax}`,
          JSON.stringify(headerText),
        );
      }
    },
  },
  {
    id: 'frames.whole-content-type',
    area,
    name: 'names the type of the parts in the Content-Type of the whole',
    source: 'PS3.18 8.7.3.5, RFC 2387: type is mandatory',
    level: 'required',
    async check(server) {
      const { path } = (await server.fixture('cine')).instances[0]!;
      for (const [resource, accept] of [
        [`${path}/frames/1`, storedAsIs],
        [path, 'multipart/related; type="application/dicom"; transfer-syntax=*'],
      ] as const) {
        const answer = await server.get(resource, accept);
        const whole = answer.is(200).isOfType('multipart/related').header('content-type');
        const part = answer.part().headers['content-type']?.split(';')[0]?.trim();
        answer.holds(parameterOf(whole, 'type')?.split(';')[0] === part, `type="${part}"`, whole);
      }
    },
  },
  {
    id: 'frames.multipart-form',
    area,
    name: 'begins at once with a boundary, keeps part headers short and ends with the closing boundary',
    source: 'dicomweb-client and cornerstone take the boundary from the first line; headers within 1000 bytes',
    level: 'required',
    async check(server) {
      const { path, frames: sent } = (await server.fixture('cine')).instances[0]!;
      const answer = await server.get(`${path}/frames/1,2`, storedAsIs);
      const parts = answer.is(200).parts();
      answer.holds(parts.length === 2, 'two parts', String(parts.length));
      for (const part of parts) {
        answer.holds(
          part.headerText.length < partHeaderBytesMax,
          'part headers under 1000 bytes',
          String(part.headerText.length),
        );
      }
      const boundary = parameterOf(answer.header('content-type'), 'boundary')!;
      const start = answer.body.toString('latin1', 0, boundary.length + 8).trimStart();
      answer.holds(start.startsWith(`--${boundary}\r\n`), `--${boundary} first`, JSON.stringify(start));
      answer.holds(answer.body.toString('latin1').trimEnd().endsWith(`\r\n--${boundary}--`), `--${boundary}-- last`);
      answer.holds(isFrame(parts[1]!.body, sent[1]!), 'the second frame');
    },
  },
  {
    id: 'frames.boundary',
    area,
    name: 'chooses boundaries that no pixels contain: long, and new each time',
    source: 'RFC 2046 5.1.1; viewers search the bytes for it',
    level: 'required',
    async check(server) {
      const { path } = (await server.fixture('cine')).instances[0]!;
      const boundaries = [];
      for (let turn = 0; turn < 3; turn++) {
        const answer = await server.get(`${path}/frames/${turn + 1}`, storedAsIs);
        const boundary = parameterOf(answer.is(200).header('content-type'), 'boundary') ?? '';
        answer.holds(boundary.length >= 20 && boundary.length <= 70, 'a boundary of 20 to 70 characters', boundary);
        boundaries.push(boundary);
      }
      const one = await server.get(`${path}/frames/1`, storedAsIs);
      one.holds(new Set(boundaries).size === 3, 'three answers, three boundaries', boundaries.join(' '));
    },
  },
  {
    id: 'frames.one-syntax',
    area,
    name: 'gives all frames of an answer in one transfer syntax',
    source: 'dicomweb-client (JS): gives every part the headers of the first',
    level: 'required',
    async check(server) {
      const { path } = (await server.fixture('cine')).instances[0]!;
      const answer = await server.get(`${path}/frames/1,2,3,4,5`, storedAsIs);
      const types = new Set(
        answer
          .is(200)
          .parts()
          .map((part) => part.headers['content-type']),
      );
      answer.holds(types.size === 1, 'one Content-Type', [...types].join(' | '));
    },
  },
  {
    id: 'frames.order',
    area,
    name: 'gives frames in the order asked for, with commas encoded or not',
    source: 'PS3.18 10.4.1.1.6: in any order, e.g. 1,2,4,3; clients pair parts with the list',
    level: 'required',
    async check(server) {
      const { path, frames: sent } = (await server.fixture('colour')).instances[0]!;
      for (const list of ['3,1,2', '3%2C1%2C2']) {
        const answer = await server.get(`${path}/frames/${list}`, storedAsIs);
        const parts = answer.is(200).parts();
        answer.holds(
          parts.length === 3 && [3, 1, 2].every((number, index) => parts[index]!.body.equals(sent[number - 1]!)),
          'frames 3, 1 and 2',
        );
      }
    },
  },
  {
    id: 'frames.numbers-that-are-not',
    area,
    name: 'answers 400 to frame 0 and to what is no number, 404 past the last',
    source: 'PS3.18 10.4.1.1.6, 8.5',
    level: 'required',
    async check(server) {
      const { path } = (await server.fixture('cine')).instances[0]!;
      for (const list of ['0', 'abc', '-1', '1,,2', '1.5'])
        (await server.get(`${path}/frames/${list}`, storedAsIs)).is(400);
      for (const list of ['6', '999999999']) (await server.get(`${path}/frames/${list}`, storedAsIs)).is(404);
    },
  },
  {
    id: 'frames.bare-codestream',
    area,
    name: 'gives a compressed frame as the bare codestream, its fragments joined',
    source: 'PS3.18 8.7.3.3.2',
    level: 'required',
    async check(server) {
      const { path, frames: sent } = (await server.fixture('fragments')).instances[0]!;
      const answer = await server.get(`${path}/frames/1,2,3`, storedAsIs);
      const parts = answer.is(200).parts();
      for (const [index, frame] of sent.entries()) {
        const came = parts[index]?.body ?? Buffer.alloc(0);
        answer.holds(isFrame(came, frame), `frame ${index + 1} of ${frame.length} bytes`, `${came.length} bytes`);
      }
    },
  },
  {
    id: 'frames.uncompressed-length',
    area,
    name: 'gives an uncompressed frame of exactly its own bytes, one of an odd number too',
    source: 'PS3.18 8.7.3.3.1',
    level: 'required',
    async check(server) {
      const { path, frames: sent } = (await server.fixture('colour')).instances[0]!;
      const answer = await server.get(`${path}/frames/2,3`, storedAsIs);
      const bodies = answer
        .is(200)
        .parts()
        .map((part) => part.body);
      answer.holds(
        bodies.map(({ length }) => length).join() === '105,105',
        'two parts of 105 bytes',
        bodies.map(({ length }) => length).join(),
      );
      answer.holds(bodies[0]!.equals(sent[1]!) && bodies[1]!.equals(sent[2]!), 'frames 2 and 3');
    },
  },
  {
    id: 'frames.single-bits',
    area,
    name: 'begins each frame of single bits at a byte',
    source: 'PS3.18 8.7.3.3: frames of Bits Allocated 1 that are no whole number of bytes',
    level: 'required',
    async check(server) {
      const { path, frames: sent } = (await server.fixture('segmentation')).instances[0]!;
      const all = sent[0]!;
      const bit = (bytes: Uint8Array, at: number) => (bytes[at >> 3]! >> (at & 7)) & 1;
      const answer = await server.get(`${path}/frames/1,2,3`, storedAsIs);
      for (const [index, { body }] of answer.is(200).parts().entries()) {
        answer.holds(body.length === 4, `4 bytes for frame ${index + 1}`, `${body.length}`);
        for (let at = 0; at < 25; at++) {
          answer.holds(
            bit(body, at) === bit(all, index * 25 + at),
            `the bits of frame ${index + 1}`,
            `bit ${at} differs`,
          );
        }
      }
    },
  },
  {
    id: 'frames.syntaxes-not-for-the-web',
    area,
    name: 'gives what is stored in Implicit VR, Big Endian or Deflated as Explicit VR Little Endian',
    source: 'PS3.18 8.7.3: those shall not be used',
    level: 'required',
    async check(server) {
      for (const { path, frames: sent } of (await server.fixture('encodings')).instances) {
        const answer = await server.get(`${path}/frames/1`, storedAsIs);
        const part = answer.is(200).part();
        const syntax = parameterOf(part.headers['content-type'] ?? '', 'transfer-syntax');
        answer.holds(syntax === explicitLittleEndian, `transfer-syntax=${explicitLittleEndian}`, syntax);
        answer.holds(part.body.equals(sent[0]!), 'the pixels in little endian');
      }
    },
  },
  {
    id: 'frames.default-syntax',
    area,
    name: 'takes Explicit VR Little Endian for octet-stream, and the usual syntax of each image type, when none is given',
    source: 'PS3.18 8.7.3.3, table 8.7.3-5',
    level: 'required',
    async check(server) {
      const { path, frames: sent } = (await server.fixture('colour')).instances[0]!;
      const native = await server.get(`${path}/frames/1`, 'multipart/related; type="application/octet-stream"');
      const part = native.is(200).part();
      native.holds(part.body.equals(sent[0]!), 'the pixels');
      native.holds(
        parameterOf(part.headers['content-type'] ?? '', 'transfer-syntax') === explicitLittleEndian,
        `transfer-syntax=${explicitLittleEndian}`,
        part.headers['content-type'],
      );
      const rle = (await server.fixture('many')).instances[0]!;
      const answer = await server.get(`${rle.path}/frames/1`, 'multipart/related; type="image/dicom-rle"');
      answer.is(200).holds(isFrame(answer.part().body, rle.frames[0]!), 'the stored RLE codestream');
      const cine = (await server.fixture('cine')).instances[0]!;
      const decoded = await server.get(`${cine.path}/frames/1`, 'multipart/related; type="application/octet-stream"');
      const pixels = decoded.is(200).part();
      const syntax = parameterOf(pixels.headers['content-type'] ?? '', 'transfer-syntax');
      decoded.holds(
        syntax === explicitLittleEndian ? pixels.body.length === 768 : syntax === jpegBaseline,
        '768 bytes of Explicit VR Little Endian, or the lossy frame named as what it is',
        `${pixels.body.length} bytes of ${syntax}`,
      );
    },
  },
  {
    id: 'frames.accept-anything',
    area,
    name: 'answers frames to */* and to no Accept, saying in which syntax',
    source: 'PS3.18 8.7.5; OHIF for microscopy sends */*',
    level: 'required',
    async check(server) {
      const { path } = (await server.fixture('cine')).instances[0]!;
      for (const accept of ['*/*', undefined]) {
        const answer = await server.get(`${path}/frames/1`, accept);
        const type =
          answer.is(200).mediaType === 'multipart/related'
            ? answer.part().headers['content-type']
            : answer.header('content-type');
        const syntax = parameterOf(type ?? '', 'transfer-syntax');
        answer.holds(syntax !== undefined, 'a transfer-syntax parameter', type);
      }
    },
  },
  {
    id: 'frames.impossible-syntax',
    area,
    name: 'answers 406 to a transfer syntax that it cannot give, and says what it can',
    source: 'PS3.18 8.7.5, 8.7.8; slide readers fall back on 406 only',
    level: 'required',
    async check(server) {
      const { path } = (await server.fixture('cine')).instances[0]!;
      for (const accept of [
        'multipart/related; type="video/mp4"; transfer-syntax=1.2.840.10008.1.2.4.102',
        'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.3.4.5',
      ]) {
        const answer = await server.get(`${path}/frames/1`, accept);
        answer.is(406).holds(answer.body.length > 0, 'a body that says what is possible');
      }
    },
  },
  {
    id: 'frames.single-part',
    area,
    name: 'gives one frame bare to a single-part Accept, and refuses several with 406',
    source: 'OHIF: singlepart; PS3.18 8.7.3.3',
    level: 'recommended',
    async check(server) {
      const { path, frames: sent } = (await server.fixture('colour')).instances[0]!;
      const one = await server.get(`${path}/frames/1`, 'application/octet-stream; transfer-syntax=*');
      one.is(200).isOfType('application/octet-stream').holds(one.body.equals(sent[0]!), 'the frame as the whole body');
      (await server.get(`${path}/frames/1,2`, 'application/octet-stream; transfer-syntax=*')).is(406);
    },
  },
  {
    id: 'frames.last-of-many',
    area,
    name: 'gives the last of 100,000 frames as it gives the first',
    source: 'slide viewers: latency must not grow with the frame number',
    level: 'required',
    async check(server) {
      const { path, frames: sent } = (await server.fixture('many')).instances[0]!;
      for (const number of [1, 50_000, manyFrames - 1, manyFrames]) {
        const answer = await server.get(`${path}/frames/${number}`, storedAsIs);
        const { body } = answer.is(200).part();
        answer.holds(body.equals(sent[number - 1]!), `the codestream that spells ${number}`, body.toString('hex', 64));
      }
    },
  },
];
