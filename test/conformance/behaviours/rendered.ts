import type { Behaviour } from '../behaviour.js';
import { pdf } from '../fixtures.js';
import { readPng, sizeOf } from '../read-image.js';

const area = 'rendered';
const images = ['image/jpeg', 'image/png', 'image/gif', 'image/jp2'];

/** Pictures for the eye, PS3.18 10.4.1.1.3 and 10.4.1.1.4. */
export const rendered: readonly Behaviour[] = [
  {
    id: 'rendered.levels',
    area,
    name: 'renders a study, a series, an instance and a frame',
    source: 'PS3.18 10.4.1.1.3',
    level: 'required',
    async check(server) {
      const { study, series, path } = (await server.fixture('cine')).instances[0]!;
      for (const resource of [`/studies/${study}`, `/studies/${study}/series/${series}`, path, `${path}/frames/3`]) {
        const answer = await server.get(`${resource}/rendered`, 'image/jpeg');
        const { width, height } = sizeOf(answer.is(200).isOfType('image/jpeg'));
        answer.holds(width === 16 && height === 16, 'an image of 16 x 16', `${width} x ${height}`);
      }
    },
  },
  {
    id: 'rendered.media-types',
    area,
    name: 'gives JPEG by default and PNG on request, by header field or accept parameter',
    source: 'PS3.18 8.7.4, 8.3.3.1; OHIF uses plain <img src> without a header field',
    level: 'required',
    async check(server) {
      const { path } = (await server.fixture('chest')).instances[0]!;
      for (const accept of [undefined, '*/*', 'image/avif,image/webp,image/*,*/*;q=0.8']) {
        (await server.get(`${path}/rendered`, accept)).is(200).isOfType(...images, 'image/webp', 'image/avif');
      }
      (await server.get(`${path}/rendered`, 'image/png')).is(200).isOfType('image/png');
      (await server.get(`${path}/rendered?accept=image/png`, '*/*')).is(200).isOfType('image/png');
      (await server.get(`${path}/rendered?accept=image%2Fjpeg`, 'image/*')).is(200).isOfType('image/jpeg');
    },
  },
  {
    id: 'rendered.thumbnail',
    area,
    name: 'gives thumbnails that fit the viewport, its comma encoded, or answers 404, 405 or 501',
    source: 'PS3.18 10.4.1.1.4; Weasis falls back on exactly these',
    level: 'required',
    async check(server) {
      const { study, series, path } = (await server.fixture('cine')).instances[0]!;
      for (const resource of [`/studies/${study}`, `/studies/${study}/series/${series}`, path, `${path}/frames/1`]) {
        const answer = await server.get(`${resource}/thumbnail?viewport=12%2C10`);
        if (answer.is(200, 404, 405, 501).status !== 200) continue;
        const { width, height } = sizeOf(answer.isOfType('image/jpeg', 'image/png'));
        answer.holds(width <= 12 && height <= 10, 'an image that fits in 12 x 10', `${width} x ${height}`);
      }
    },
  },
  {
    id: 'rendered.window',
    area,
    name: 'applies the window asked for, of every shape the standard names',
    source: 'PS3.18 8.3.5.1.4',
    level: 'required',
    async check(server) {
      const { path } = (await server.fixture('monochrome')).instances[0]!;
      const at = async (query: string) => {
        const answer = await server.get(`${path}/rendered?${query}`, 'image/png');
        return { answer, image: readPng(answer.is(200).isOfType('image/png')) };
      };
      const full = await at('window=128,256,linear');
      const [dark, light] = [full.image.brightness(0, 0), full.image.brightness(15, 0)];
      full.answer.holds(Math.abs(dark - 20) < 15 && Math.abs(light - 235) < 15, '20 and 235', `${dark} and ${light}`);
      const low = await at('window=10,10,linear');
      low.answer.holds(low.image.brightness(0, 0) > 240, 'white above the window', String(low.image.brightness(0, 0)));
      for (const shape of ['linear', 'linear-exact', 'sigmoid']) await at(`window=128,256,${shape}`);
      await at('window=128%2C256%2Clinear');
    },
  },
  {
    id: 'rendered.viewport',
    area,
    name: 'scales to the viewport, and cuts out the region asked for',
    source: 'PS3.18 8.3.5.1.3',
    level: 'required',
    async check(server) {
      const { path } = (await server.fixture('monochrome')).instances[0]!;
      const scaled = await server.get(`${path}/rendered?viewport=32,32`, 'image/png');
      const { width, height } = sizeOf(scaled.is(200).isOfType('image/png'));
      scaled.holds(width === 32 && height === 32, '32 x 32', `${width} x ${height}`);
      const cut = await server.get(`${path}/rendered?viewport=8,8,8,0,8,8&window=128,256,linear`, 'image/png');
      const image = readPng(cut.is(200).isOfType('image/png'));
      cut.holds(image.width === 8 && image.height === 8, '8 x 8', `${image.width} x ${image.height}`);
      cut.holds(image.brightness(1, 4) > 200, 'the light half', String(image.brightness(1, 4)));
    },
  },
  {
    id: 'rendered.illegal-parameters',
    area,
    name: 'answers 400 to a viewport, window or quality that cannot be',
    source: 'PS3.18 8.3.5.1: shall be 400',
    level: 'required',
    async check(server) {
      const { path } = (await server.fixture('chest')).instances[0]!;
      for (const query of [
        'viewport=0,0',
        'viewport=ten,ten',
        'viewport=10',
        'window=a,b,linear',
        'window=40,0,linear',
        'window=40,400,square',
        'quality=0',
        'quality=101',
        'quality=good',
      ]) {
        (await server.get(`${path}/rendered?${query}`, 'image/jpeg')).is(400);
      }
    },
  },
  {
    id: 'rendered.quality',
    area,
    name: 'takes a quality from 1 to 100',
    source: 'PS3.18 8.3.5.1.2',
    level: 'required',
    async check(server) {
      const { path } = (await server.fixture('cine')).instances[0]!;
      const [low, high] = await Promise.all(
        ['quality=1', 'quality=100'].map((query) =>
          server.get(`${path}/rendered?viewport=256,256&${query}`, 'image/jpeg'),
        ),
      );
      low!.is(200).isOfType('image/jpeg');
      high!
        .is(200)
        .isOfType('image/jpeg')
        .holds(high!.body.length > low!.body.length, 'more bytes than with quality=1');
    },
  },
  {
    id: 'rendered.no-pixels',
    area,
    name: 'does not fail over objects without pixels: 404, 406 or a rendering of the text',
    source: 'PS3.18 8.7.4: the resource categories; viewers ask for all objects of a study',
    level: 'required',
    async check(server) {
      const report = (await server.fixture('chest')).instances[3]!;
      const state = (await server.fixture('presentation')).instances[0]!;
      for (const { path } of [report, state]) {
        (await server.get(`${path}/rendered`, 'image/jpeg')).is(200, 404, 406);
        (
          await server.get(`${path}/frames/1`, 'multipart/related; type="application/octet-stream"; transfer-syntax=*')
        ).is(404, 406);
      }
    },
  },
  {
    id: 'rendered.document',
    area,
    name: 'gives an encapsulated PDF as application/pdf',
    source: 'PS3.18 8.7.4: category Text',
    level: 'recommended',
    async check(server) {
      const { path } = (await server.fixture('document')).instances[0]!;
      for (const accept of ['application/pdf', '*/*']) {
        const answer = await server.get(`${path}/rendered`, accept);
        answer
          .is(200)
          .isOfType('application/pdf')
          .holds(answer.body.toString('latin1', 0, 5) === '%PDF-', 'the PDF');
        answer.holds(pdf().subarray(0, answer.body.length).equals(answer.body), 'its bytes as stored');
      }
    },
  },
  {
    id: 'rendered.video',
    area,
    name: 'gives a video as video/mp4, and the ranges of bytes that players ask for',
    source: 'PS3.18 8.7.4: category Video; browsers play and seek by ranges',
    level: 'recommended',
    async check(server) {
      const { path, frames } = (await server.fixture('video')).instances[0]!;
      for (const accept of ['video/mp4', '*/*']) {
        const answer = await server.get(`${path}/rendered`, accept);
        answer
          .is(200)
          .isOfType('video/mp4')
          .holds(answer.body.equals(Buffer.from(frames[0]!)), 'the video as stored');
      }
      const range = await server.get(`${path}/rendered`, '*/*', { range: 'bytes=1000-1999' });
      range.is(206).holds(range.body.equals(Buffer.from(frames[0]!).subarray(1000, 2000)), 'bytes 1000 to 1999');
    },
  },
  {
    id: 'rendered.mixed-series',
    area,
    name: 'renders a series by its images, passing over instances without pixels',
    source: 'viewers show a picture for every series',
    level: 'required',
    async check(server) {
      const { study, series } = (await server.fixture('mixed')).instances[0]!;
      const answer = await server.get(`/studies/${study}/series/${series}/rendered`, 'image/jpeg');
      sizeOf(answer.is(200).isOfType('image/jpeg'));
    },
  },
  {
    id: 'rendered.monochrome1',
    area,
    name: 'shows MONOCHROME1 inverted',
    source: 'PS3.3 C.7.6.3.1.2, PS3.4 N.2',
    level: 'required',
    async check(server) {
      const { instances } = await server.fixture('monochrome');
      const shown = [];
      for (const { path } of instances) {
        const answer = await server.get(`${path}/rendered`, 'image/png');
        const image = readPng(answer.is(200).isOfType('image/png'));
        shown.push({ answer, left: image.brightness(0, 0), right: image.brightness(15, 0) });
      }
      const [two, one] = shown as [(typeof shown)[0], (typeof shown)[0]];
      two.answer.holds(two.left < two.right, 'dark at the left', `${two.left} and ${two.right}`);
      one.answer.holds(one.left > one.right, 'light at the left', `${one.left} and ${one.right}`);
    },
  },
  {
    id: 'rendered.window-of-frame',
    area,
    name: 'applies to each frame its own window',
    source: 'PS3.3 C.7.6.16.2.10: Frame VOI LUT',
    level: 'required',
    async check(server) {
      const { path } = (await server.fixture('windows')).instances[0]!;
      for (const [frame, wanted] of [
        [1, 127],
        [2, 16],
      ] as const) {
        const answer = await server.get(`${path}/frames/${frame}/rendered`, 'image/png');
        const shown = readPng(answer.is(200).isOfType('image/png')).brightness(8, 8);
        answer.holds(Math.abs(shown - wanted) < 12, `brightness about ${wanted}`, String(shown));
      }
    },
  },
];
