import type { Answer } from '../answer.js';
import type { Behaviour } from '../behaviour.js';
import type { ConformanceServer } from '../conformance-server.js';
import { type Dataset, elementsOf, firstText, itemsOf } from '../dataset.js';
import { noise } from '../fixtures.js';
import { objectKeys } from '../object-keys.js';
import { parameterOf } from '../read-parts.js';

const area = 'json';
const inlineVrs = ['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN'];

/** The metadata of the only instance of a fixture. */
async function metadataOf(
  server: ConformanceServer,
  fixture: Parameters<ConformanceServer['fixture']>[0],
  index = 0,
): Promise<{ answer: Answer; dataset: Dataset; address: string }> {
  const { path } = (await server.fixture(fixture)).instances[index]!;
  const answer = await server.getJson(`${path}/metadata`);
  return { answer, dataset: answer.dataset(), address: `${server.base.href}${path}/metadata` };
}

/** The bytes of an element, inline or fetched. */
async function bytesOf(server: ConformanceServer, answer: Answer, dataset: Dataset, tag: string, address: string) {
  const element = dataset[tag];
  if (element?.InlineBinary !== undefined) return Buffer.from(element.InlineBinary, 'base64');
  if (element?.BulkDataURI === undefined) {
    return answer.fail(`${tag} with InlineBinary or BulkDataURI`, JSON.stringify(element) ?? 'no such element');
  }
  const fetched = await server.follow(
    element.BulkDataURI,
    address,
    'multipart/related; type="application/octet-stream"; transfer-syntax=*',
  );
  fetched.is(200);
  return fetched.mediaType === 'multipart/related' ? fetched.part().body : fetched.body;
}

/** Metadata in the DICOM JSON Model, PS3.18 Annex F. */
export const json: readonly Behaviour[] = [
  {
    id: 'json.available-transfer-syntaxes',
    area,
    name: 'says in metadata in which transfer syntaxes the instance can be had',
    source: 'PS3.18 10.4.1.1.2 leaves it open; viewers choose what to ask frames for by it, group 0002 being no part',
    level: 'recommended',
    async check(server) {
      const { answer, dataset } = await metadataOf(server, 'cine');
      const syntaxes = dataset['00083002']?.Value ?? [];
      answer.holds(
        syntaxes.includes('1.2.840.10008.1.2.4.50'),
        'AvailableTransferSyntaxUID with 1.2.840.10008.1.2.4.50',
        JSON.stringify(syntaxes),
      );
    },
  },
  {
    id: 'json.keys',
    area,
    name: 'names elements by eight upper-case hex digits in ascending order, without group lengths',
    source: 'PS3.18 F.2.2',
    level: 'required',
    async check(server) {
      const { answer, dataset } = await metadataOf(server, 'odd');
      for (const { place, tag } of elementsOf(dataset)) {
        answer.holds(/^[0-9A-F]{8}$/.test(tag), 'keys of eight upper-case hex digits', place);
        answer.holds(!tag.endsWith('0000'), 'no group lengths', place);
      }
      for (const keys of objectKeys(answer.text).filter((some) => some.every((key) => /^[0-9A-F]{8}$/.test(key)))) {
        answer.holds(keys.join() === keys.toSorted().join(), 'keys in ascending order', keys.join(' '));
      }
    },
  },
  {
    id: 'json.empty-values',
    area,
    name: 'writes an empty element as its vr alone and an empty member as null',
    source: 'PS3.18 F.2.5',
    level: 'required',
    async check(server) {
      const { answer, dataset } = await metadataOf(server, 'odd');
      for (const tag of ['00200062', '00100030']) {
        const element = dataset[tag];
        answer.holds(
          element !== undefined && Object.keys(element).join() === 'vr',
          `${tag} as its vr alone`,
          JSON.stringify(element),
        );
      }
      const type = JSON.stringify(dataset['00080008']?.Value);
      answer.holds(type === '["ORIGINAL",null,"AXIAL"]', 'ImageType ["ORIGINAL",null,"AXIAL"]', type);
      for (const { place, element } of elementsOf(dataset)) {
        answer.holds(element.Value === undefined || element.Value.length > 0, 'no empty Value', place);
        answer.holds(!element.Value?.includes(''), 'null for an empty member', place);
      }
    },
  },
  {
    id: 'json.person-names',
    area,
    name: 'writes person names as their component groups, those that are there',
    source: 'PS3.18 F.2.2',
    level: 'required',
    async check(server) {
      const { answer, dataset } = await metadataOf(server, 'names', 1);
      const name = JSON.stringify(dataset['00100010']?.Value);
      const wanted = [{ Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' }];
      answer.holds(name === JSON.stringify(wanted), JSON.stringify(wanted), name);
      const others = JSON.stringify(dataset['00101001']?.Value);
      const wantedOthers = [{ Alphabetic: 'Other^Name' }, { Ideographic: '山田' }];
      answer.holds(others === JSON.stringify(wantedOthers), JSON.stringify(wantedOthers), others);
    },
  },
  {
    id: 'json.numbers',
    area,
    name: 'writes DS and IS so that they read as numbers and keep their precision',
    source: 'PS3.18 F.2.3; slide viewers call Number() on them',
    level: 'required',
    async check(server) {
      const { answer, dataset } = await metadataOf(server, 'odd');
      const spacing = dataset['00180088']?.Value?.[0];
      answer.holds(Number(spacing) === 1.0000000000001, '1.0000000000001', JSON.stringify(spacing));
      const number = dataset['00200012']?.Value?.[0];
      answer.holds(Number(number) === 7, '7', JSON.stringify(number));
      const rows = dataset['00280010']?.Value?.[0];
      answer.holds(rows === 8, 'Rows as the number 8', JSON.stringify(rows));
    },
  },
  {
    id: 'json.strings',
    area,
    name: 'writes tags as GGGGEEEE, UIDs without the closing NUL and text without its padding',
    source: 'PS3.18 F.2.3, PS3.5 6.2: padding is no part of the value',
    level: 'required',
    async check(server) {
      const { answer, dataset } = await metadataOf(server, 'odd');
      const told = ['00280009', '00200052', '00081010'].map((tag) => dataset[tag]?.Value?.[0]);
      const wanted = ['00181063', '1.2.3', 'ODD'];
      answer.holds(JSON.stringify(told) === JSON.stringify(wanted), JSON.stringify(wanted), JSON.stringify(told));
    },
  },
  {
    id: 'json.sequences',
    area,
    name: 'writes items as objects, an empty item as {} and an empty sequence without a Value',
    source: 'PS3.18 F.2.2, F.2.5',
    level: 'required',
    async check(server) {
      const { answer, dataset } = await metadataOf(server, 'odd');
      const empty = JSON.stringify(dataset['00081140']);
      answer.holds(empty === '{"vr":"SQ"}', '{"vr":"SQ"}', empty);
      const item = JSON.stringify(dataset['00082112']);
      answer.holds(item === '{"vr":"SQ","Value":[{}]}', '{"vr":"SQ","Value":[{}]}', item);
      const chest = await metadataOf(server, 'chest');
      const step = firstText(itemsOf(chest.dataset, '00400275')[0] ?? {}, '00400009');
      chest.answer.holds(step === 'STEP1', 'an item with ScheduledProcedureStepID STEP1', step);
    },
  },
  {
    id: 'json.binary-values',
    area,
    name: 'gives every binary value, inline or by address, whole: profiles, palettes, overlays, private ones',
    source: 'PS3.18 F.2.6, F.2.7; colour and slide viewers need them',
    level: 'required',
    async check(server) {
      const { answer, dataset, address } = await metadataOf(server, 'odd');
      const wanted: [string, Buffer][] = [
        ['00281201', noise(512, 3)],
        ['00282000', noise(70_000, 4)],
        ['60003000', noise(512, 5)],
        ['00091010', noise(10, 1)],
        ['00091011', noise(6000, 2)],
      ];
      for (const [tag, bytes] of wanted) {
        const found = await bytesOf(server, answer, dataset, tag, address);
        answer.holds(found.equals(bytes), `the ${bytes.length} bytes of ${tag}`, `${found.length} bytes, or others`);
      }
      for (const { place, element } of elementsOf(dataset)) {
        if (element.InlineBinary === undefined) continue;
        answer.holds(
          inlineVrs.includes(element.vr),
          `InlineBinary only with ${inlineVrs.join(' ')}`,
          `${place} ${element.vr}`,
        );
      }
    },
  },
  {
    id: 'json.large-binary-by-address',
    area,
    name: 'gives a large binary value by address, not inline',
    source: 'PS3.18 F.2.6: left to the server; metadata of a slide would not end otherwise',
    level: 'recommended',
    async check(server) {
      const { answer, dataset } = await metadataOf(server, 'odd');
      const profile = dataset['00282000'];
      answer.holds(
        profile?.BulkDataURI !== undefined,
        'a BulkDataURI for 70,000 bytes',
        Object.keys(profile ?? {}).join(),
      );
    },
  },
  {
    id: 'json.bulk-data-addresses',
    area,
    name: 'gives bulk data addresses that are absolute, or relative in a way viewers understand',
    source: 'OHIF: http..., /..., ../..., instances/..., series/..., bulkdata/...',
    level: 'required',
    async check(server) {
      const { answer, dataset } = await metadataOf(server, 'odd');
      for (const { place, element } of elementsOf(dataset)) {
        if (element.BulkDataURI === undefined) continue;
        answer.holds(
          /^(https?:\/\/|\/|\.\.\/|instances\/|series\/|bulkdata\/)/.test(element.BulkDataURI),
          'an address viewers understand',
          `${place} ${element.BulkDataURI}`,
        );
      }
    },
  },
  {
    id: 'json.pixel-data',
    area,
    name: 'leaves Pixel Data out of metadata, or gives its address',
    source: 'PS3.18 10.4.1.1.2: metadata is without bulk data; slide viewers and OHIF',
    level: 'required',
    async check(server) {
      for (const fixture of ['chest', 'cine', 'segmentation'] as const) {
        const { answer, dataset } = await metadataOf(server, fixture);
        const pixels = dataset['7FE00010'];
        answer.holds(
          pixels === undefined || pixels.BulkDataURI !== undefined,
          'no Pixel Data, or its BulkDataURI',
          Object.keys(pixels ?? {}).join(),
        );
        answer.holds(pixels?.InlineBinary === undefined, 'no pixels inline');
      }
    },
  },
  {
    id: 'json.functional-groups',
    area,
    name: 'gives functional groups and the geometry of slides and segmentations in metadata',
    source: 'dicom-microscopy-viewer: computes its tiles from them; PS3.18 10.4.1.1.2',
    level: 'required',
    async check(server) {
      const { answer, dataset } = await metadataOf(server, 'slide');
      const tiles = itemsOf(dataset, '52009230').map((item) => {
        const place = itemsOf(item, '0048021A')[0] ?? {};
        return [firstText(place, '0048021E'), firstText(place, '0048021F')].join();
      });
      answer.holds(tiles.join(' ') === '1,1 17,1 1,17 17,17', 'the places of four tiles', tiles.join(' ') || 'none');
      for (const [tag, wanted] of [
        ['00480006', '32'],
        ['00480007', '32'],
        ['00209311', 'TILED_SPARSE'],
      ] as const) {
        answer.holds(firstText(dataset, tag) === wanted, `${tag} ${wanted}`, firstText(dataset, tag));
      }
      answer.holds(dataset['00480102']?.Value?.length === 6, 'ImageOrientationSlide of six numbers');
      answer.holds(itemsOf(dataset, '00480105').length === 1, 'OpticalPathSequence');
      const measures = itemsOf(itemsOf(dataset, '52009229')[0] ?? {}, '00289110')[0] ?? {};
      answer.holds(Number(firstText(measures, '00280030')) === 0.001, 'PixelMeasuresSequence in the shared groups');
      const segmentation = await metadataOf(server, 'segmentation');
      const frames = itemsOf(segmentation.dataset, '52009230').length;
      segmentation.answer.holds(frames === 3, 'functional groups of three frames', String(frames));
    },
  },
  {
    id: 'json.number-of-frames',
    area,
    name: 'gives NumberOfFrames of a slide of one tile, too',
    source: 'dicom-microscopy-viewer',
    level: 'required',
    async check(server) {
      const { answer, dataset } = await metadataOf(server, 'slide', 1);
      answer.holds(Number(firstText(dataset, '00280008')) === 1, 'NumberOfFrames 1', firstText(dataset, '00280008'));
    },
  },
  {
    id: 'json.whole-series',
    area,
    name: 'gives metadata of all instances of a series, and 404 for a series that is not there',
    source: 'PS3.18 10.4.1.1.2; viewers do not page metadata',
    level: 'required',
    async check(server) {
      const { instances, studies } = await server.fixture('long');
      const answer = await server.getJson(`/studies/${studies[0]}/series/${instances[0]!.series}/metadata`);
      const found = new Set(answer.datasets().map((item) => firstText(item, '00080018')));
      answer.holds(found.size === instances.length, `${instances.length} instances`, `${found.size}`);
      (await server.getJson(`/studies/${studies[0]}/series/${server.uid('no series')}/metadata`)).is(404);
      (await server.getJson(`/studies/${server.uid('no study')}/metadata`)).is(404);
    },
  },
  {
    id: 'json.compressed',
    area,
    name: 'compresses metadata for those who take it',
    source: 'RFC 9110 12.5.3; metadata of a series is megabytes of repeated text',
    level: 'recommended',
    async check(server) {
      const { instances, studies } = await server.fixture('long');
      const answer = await server.get(
        `/studies/${studies[0]}/series/${instances[0]!.series}/metadata`,
        'application/dicom+json',
        { 'accept-encoding': 'gzip, br' },
      );
      const encoding = answer.is(200).header('content-encoding');
      answer.holds(['gzip', 'br'].includes(encoding), 'Content-Encoding gzip or br', encoding || 'none');
    },
  },
  {
    id: 'json.no-file-meta',
    area,
    name: 'leaves the File Meta Information out of metadata',
    source: 'PS3.18 F.2: a Data Set; PS3.10 7.1: group 0002 belongs to the file',
    level: 'required',
    async check(server) {
      const { answer, dataset } = await metadataOf(server, 'chest');
      const meta = Object.keys(dataset).filter((tag) => tag.startsWith('0002'));
      answer.holds(meta.length === 0, 'nothing of group 0002', meta.join(' '));
      const charset = parameterOf(answer.header('content-type'), 'charset');
      answer.holds(charset === undefined || /utf-?8/i.test(charset), 'no other charset than UTF-8', charset);
    },
  },
];
