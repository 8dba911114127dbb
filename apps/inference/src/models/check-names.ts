import { keywordToTag } from '#libs/dicom';
import { layoutOf } from '../pipelines/layout.js';
import type { ModelManifest, PostprocessingStep } from './manifest.js';

/** What a name stands for while the postprocessing runs. */
type Kind = 'tensor' | 'list' | 'histogram' | 'number' | 'mask' | 'boxes' | 'heat-map' | 'vector' | 'scores';
type Names = Map<string, Kind>;
type InputKind = ModelManifest['input']['kind'];

const kindsInWords: Record<Kind, string> = {
  tensor: 'tensor of the network',
  list: 'list',
  histogram: 'histogram',
  number: 'number',
  mask: 'mask',
  boxes: 'set of boxes',
  'heat-map': 'heat map',
  vector: 'vector',
  scores: 'set of scores',
};

/** Named where one is missing: enough to see what was meant. */
const givenMax = 40;

/**
 * Checks that every name a manifest uses was given before and is of the right kind, and that the steps fit the input.
 *
 * @returns what is wrong, each as `<key>: <sentence>`; empty when all is well.
 */
export function checkNames(manifest: ModelManifest): string[] {
  const problems: string[] = [];
  const names: Names = new Map([...manifest.inputs, ...manifest.outputs].map((tensor) => [tensor.name, 'tensor']));
  if (names.size !== manifest.outputs.length + 1) problems.push('outputs: two tensors have the same name');
  if (manifest.input.kind === 'tiles') {
    names.set('pixels', 'number');
    if (manifest.input.preprocessing.some(({ step }) => step === 'divide-by-background'))
      names.set('background', 'number');
  }

  for (const part of ['instances', 'prefer'] as const) {
    manifest.accepts[part].forEach(({ keyword }, index) => {
      if (keywordToTag(keyword) === undefined)
        problems.push(`accepts.${part}[${index}].keyword: ${keyword} is no keyword of the DICOM data dictionary`);
    });
  }
  problems.push(...checkLayouts(manifest), ...checkPreprocessing(manifest), ...checkLabels(manifest));

  manifest.postprocessing.forEach((step, index) => {
    const key = `postprocessing[${index}]`;
    for (const [use, kinds] of usesOf(step)) {
      const kind = names.get(use);
      if (kind === undefined)
        problems.push(`${key}: nothing before it gives "${use}"; there is ${[...names.keys()].join(', ')}`);
      else if (!kinds.includes(kind))
        problems.push(
          `${key}: "${use}" is a ${kindsInWords[kind]}, ${step.step} needs a ${kinds.map((one) => kindsInWords[one]).join(' or ')}`,
        );
    }
    const only = onlyFor[step.step];
    if (only && !only.includes(manifest.input.kind))
      problems.push(
        `${key}: the step ${step.step} works on a ${only.join(' or ')}, the input is a ${manifest.input.kind}`,
      );
    for (const [given, kind] of givesOf(step, manifest.labels)) {
      if (names.has(given)) problems.push(`${key}.gives: "${given}" is taken`);
      names.set(given, kind);
    }
  });

  const need = (key: string, name: string, kind: Kind) => {
    if (names.get(name) === kind) return;
    const given = [...names].filter(([, one]) => one === kind).map(([one]) => one);
    problems.push(
      `${key}: no step gives a ${kindsInWords[kind]} named "${name}"; there is ${given.slice(0, givenMax).join(', ') || 'none'}`,
    );
  };
  manifest.checks.forEach((check, index) => need(`checks[${index}].value`, check.value, 'number'));
  const ids = new Set<string>();
  manifest.measurements.forEach((measurement, index) => {
    need(`measurements[${index}].value`, measurement.value, 'number');
    if (ids.has(measurement.id)) problems.push(`measurements[${index}].id: "${measurement.id}" is there twice`);
    ids.add(measurement.id);
  });
  if (manifest.measurements.length + manifest.classes.length === 0)
    problems.push('measurements: there is no measurement and no class; a model says at least one of them');
  const classIds = new Set<string>();
  manifest.classes.forEach(({ id, of }, index) => {
    const key = `classes[${index}]`;
    if (!manifest.postprocessing.some((step) => step.step === 'top-label' && step.gives === of))
      problems.push(`${key}.of: no top-label step gives "${of}"`);
    if (ids.has(id) || classIds.has(id)) problems.push(`${key}.id: "${id}" is there twice`);
    classIds.add(id);
  });
  manifest.segmentations.forEach(({ of }, index) => {
    need(`segmentations[${index}].of`, of, 'mask');
    if (!manifest.labels.some(({ value }) => value > 0))
      problems.push(`segmentations[${index}]: labels has no entry with a value above 0 to name what is in the mask`);
  });
  manifest.heatMaps.forEach(({ of }, index) => need(`heatMaps[${index}].of`, of, 'heat-map'));
  manifest.drawings.forEach(({ of }, index) => need(`drawings[${index}].of`, of, 'boxes'));
  manifest.annotations.forEach(({ of }, index) => {
    need(`annotations[${index}].of`, of, 'list');
    if (manifest.input.kind !== 'waveform')
      problems.push(`annotations[${index}]: annotations are places in time, and the input is a ${manifest.input.kind}`);
  });
  manifest.embeddings.forEach(({ of }, index) => need(`embeddings[${index}].of`, of, 'vector'));
  const known = (key: string, what: string, among: ReadonlySet<string>, id: string) => {
    if (!among.has(id))
      problems.push(`${key}: no ${what} has the id "${id}"; there is ${[...among].join(', ') || 'none'}`);
  };
  const labelIds = new Set(manifest.labels.map(({ id }) => id));
  manifest.triage.forEach((rule, index) => {
    if ('measurement' in rule) known(`triage[${index}].measurement`, 'measurement', ids, rule.measurement);
    else {
      known(`triage[${index}].class`, 'class', classIds, rule.class);
      rule.oneOf.forEach((id, at) => known(`triage[${index}].oneOf[${at}]`, 'label', labelIds, id));
    }
  });
  for (const [, id] of manifest.summary.matchAll(/\{([^}]*)\}/g))
    known('summary', 'measurement or class', new Set([...ids, ...classIds]), id!);
  return problems;
}

function checkLayouts(manifest: ModelManifest): string[] {
  const problems: string[] = [];
  for (const part of ['inputs', 'outputs'] as const) {
    manifest[part].forEach((tensor, index) => {
      const layout = layoutOf(tensor);
      if (layout.length !== tensor.shape.length)
        problems.push(
          `${part}[${index}].layout: ${layout === '' ? 'nothing is usual for' : `${layout} has ${layout.length} letters,`} a shape of ${tensor.shape.length} axes; give one letter an axis, for example NCHW`,
        );
    });
  }
  const wanted: Record<InputKind, string> = { image: 'HW', stack: 'HW', tiles: 'HW', volume: 'DHW', waveform: 'T' };
  const layout = layoutOf(manifest.inputs[0]);
  for (const letter of wanted[manifest.input.kind])
    if (!layout.includes(letter))
      problems.push(
        `inputs[0].layout: ${layout} has no ${letter}; a ${manifest.input.kind} has the axes ${wanted[manifest.input.kind]}, N and C`,
      );
  return problems;
}

/** What says what stored values mean comes first, and only once; windows come last. */
function checkPreprocessing({ input }: ModelManifest): string[] {
  if (input.kind === 'tiles') return [];
  const first = input.kind === 'waveform' ? ['microvolts', 'millivolts'] : ['modality-values', 'voi-window'];
  const steps = input.preprocessing.map(({ step }) => step as string);
  const problems: string[] = [];
  steps.forEach((step, index) => {
    if (first.includes(step) !== (index === 0))
      problems.push(
        `input.preprocessing[${index}]: ${index === 0 ? `begin with ${first.join(' or ')}: it says what the stored values mean` : `${step} belongs at the beginning`}`,
      );
    if (step === 'sliding-window' && index !== steps.length - 1)
      problems.push(`input.preprocessing[${index}]: sliding-window comes last`);
  });
  return problems;
}

function checkLabels({ labels, segmentations }: ModelManifest): string[] {
  const problems: string[] = [];
  const [ids, values] = [new Set<string>(), new Set<number>()];
  labels.forEach(({ id, value }, index) => {
    if (ids.has(id)) problems.push(`labels[${index}].id: "${id}" is there twice`);
    if (values.has(value)) problems.push(`labels[${index}].value: ${value} is there twice`);
    if (segmentations.length > 0 && value > 255)
      problems.push(`labels[${index}].value: ${value} cannot be the value of a mask; the highest is 255`);
    ids.add(id);
    values.add(value);
  });
  return problems;
}

const onlyFor: Partial<Record<PostprocessingStep['step'], readonly InputKind[]>> = {
  components: ['stack'],
  'list-peaks': ['waveform'],
  width: ['waveform'],
  'merge-windows': ['volume'],
  mask: ['image', 'stack', 'volume'],
  'largest-pieces': ['stack', 'volume'],
  volumes: ['stack', 'volume'],
  areas: ['image', 'tiles'],
  'stitch-tiles': ['tiles'],
  'split-objects': ['image', 'tiles'],
  'non-maximum-suppression': ['image', 'tiles'],
  'heat-map': ['image', 'tiles'],
};

function usesOf(step: PostprocessingStep): [string, Kind[]][] {
  switch (step.step) {
    case 'components':
      return [
        [step.mask, ['tensor']],
        [step.values, ['tensor']],
      ];
    case 'list-peaks':
      return [
        [step.of, ['tensor']],
        [step.over, ['tensor']],
      ];
    case 'non-maximum-suppression':
      return [
        [step.boxes, ['tensor']],
        [step.scores, ['tensor']],
      ];
    case 'softmax':
    case 'sigmoid':
    case 'argmax':
    case 'threshold':
    case 'scores':
    case 'element':
    case 'embedding':
    case 'merge-windows':
    case 'mask':
    case 'stitch-tiles':
    case 'split-objects':
    case 'heat-map':
    case 'sum':
      return [[step.of, ['tensor']]];
    case 'largest-pieces':
    case 'volumes':
    case 'areas':
      return [[step.of, ['mask']]];
    case 'top-label':
      return [[step.of, ['scores']]];
    case 'intervals':
      return [[step.of, ['list']]];
    case 'width':
      return [
        [step.of, ['tensor']],
        [step.at, ['list']],
      ];
    case 'statistic':
      return [[step.of, ['list']]];
    case 'histogram-statistic':
      return [[step.of, ['histogram']]];
    case 'percentile':
    case 'count':
      return [[step.of, ['list', 'histogram']]];
    case 'share-below':
      return [[step.of, ['list', 'histogram']], ...numbersAmong(step.value)];
    case 'ratio':
      return numbersAmong(step.of, step.to);
  }
}

function numbersAmong(...operands: (number | string)[]): [string, Kind[]][] {
  return operands.filter((operand) => typeof operand === 'string').map((operand) => [operand, ['number']]);
}

function givesOf(step: PostprocessingStep, labels: ModelManifest['labels']): [string, Kind][] {
  const ofLabels = (own: [string, Kind][] = []): [string, Kind][] => [
    ...own,
    ...labels.map(({ id }): [string, Kind] => [`${step.gives}.${id}`, 'number']),
  ];
  switch (step.step) {
    case 'components':
      return [
        [`${step.gives}.volume`, 'number'],
        [`${step.gives}.histogram`, 'histogram'],
        [`${step.gives}.count`, 'number'],
        [`${step.gives}.endArea`, 'number'],
        [`${step.gives}.dropped`, 'histogram'],
      ];
    case 'list-peaks':
      return [
        [step.gives, 'list'],
        [`${step.gives}.height`, 'number'],
        [`${step.gives}.contrast`, 'number'],
      ];
    case 'softmax':
    case 'sigmoid':
    case 'argmax':
    case 'threshold':
      return [[step.gives, 'tensor']];
    case 'split-objects':
      return [
        [step.gives, 'tensor'],
        [`${step.gives}.count`, 'number'],
        [`${step.gives}.area`, 'list'],
      ];
    case 'scores':
      return ofLabels([[step.gives, 'scores']]);
    case 'volumes':
      return ofLabels();
    case 'areas':
      return ofLabels([[`${step.gives}.pixels`, 'number']]);
    case 'top-label':
      return [
        [step.gives, 'number'],
        [`${step.gives}.score`, 'number'],
      ];
    case 'mask':
    case 'merge-windows':
    case 'stitch-tiles':
    case 'largest-pieces':
      return [[step.gives, 'mask']];
    case 'non-maximum-suppression':
      return [
        [step.gives, 'boxes'],
        [`${step.gives}.count`, 'number'],
        [`${step.gives}.topScore`, 'number'],
      ];
    case 'heat-map':
      return [[step.gives, 'heat-map']];
    case 'embedding':
      return [[step.gives, 'vector']];
    case 'intervals':
      return [[step.gives, 'list']];
    case 'width':
    case 'statistic':
    case 'histogram-statistic':
    case 'percentile':
    case 'share-below':
    case 'count':
    case 'sum':
    case 'ratio':
    case 'element':
      return [[step.gives, 'number']];
  }
}
