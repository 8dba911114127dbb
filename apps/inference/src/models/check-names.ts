import { keywordToTag } from '#libs/dicom';
import type { ModelManifest, PostprocessingStep } from './manifest.js';

/** What a name stands for while the postprocessing runs. */
type Kind = 'tensor' | 'list' | 'histogram' | 'number';
type Names = Map<string, Kind>;

/**
 * Checks that every name a manifest uses was given before and is of the right kind, and that the steps fit the input.
 *
 * @returns what is wrong, each as `<key>: <sentence>`; empty when all is well.
 */
export function checkNames(manifest: ModelManifest): string[] {
  const problems: string[] = [];
  const names: Names = new Map([...manifest.inputs, ...manifest.outputs].map((tensor) => [tensor.name, 'tensor']));
  if (names.size !== manifest.outputs.length + 1) problems.push('outputs: two tensors have the same name');
  if (manifest.input.kind === 'tiles') names.set('background', 'number').set('pixels', 'number');

  for (const part of ['instances', 'prefer'] as const) {
    manifest.accepts[part].forEach(({ keyword }, index) => {
      if (keywordToTag(keyword) === undefined)
        problems.push(`accepts.${part}[${index}].keyword: ${keyword} is no keyword of the DICOM data dictionary`);
    });
  }

  manifest.postprocessing.forEach((step, index) => {
    const key = `postprocessing[${index}]`;
    for (const [use, kinds] of usesOf(step)) {
      const kind = names.get(use);
      if (kind === undefined)
        problems.push(`${key}: nothing before it gives "${use}"; there is ${[...names.keys()].join(', ')}`);
      else if (!kinds.includes(kind))
        problems.push(`${key}: "${use}" is a ${kind}, ${step.step} needs a ${kinds.join(' or ')}`);
    }
    const only = onlyFor[step.step];
    if (only && only !== manifest.input.kind)
      problems.push(`${key}: the step ${step.step} works on a ${only}, the input is a ${manifest.input.kind}`);
    for (const [given, kind] of givesOf(step)) {
      if (names.has(given)) problems.push(`${key}.gives: "${given}" is taken`);
      names.set(given, kind);
    }
  });

  const needNumber = (key: string, name: string) => {
    if (names.get(name) !== 'number') problems.push(`${key}: no step gives a number named "${name}"`);
  };
  manifest.checks.forEach((check, index) => needNumber(`checks[${index}].value`, check.value));
  const ids = new Set<string>();
  manifest.measurements.forEach((measurement, index) => {
    needNumber(`measurements[${index}].value`, measurement.value);
    if (ids.has(measurement.id)) problems.push(`measurements[${index}].id: "${measurement.id}" is there twice`);
    ids.add(measurement.id);
  });
  manifest.triage.forEach((rule, index) => {
    if (!ids.has(rule.measurement))
      problems.push(`triage[${index}].measurement: no measurement has the id "${rule.measurement}"`);
  });
  for (const [, id] of manifest.summary.matchAll(/\{([^}]*)\}/g)) {
    if (!ids.has(id!)) problems.push(`summary: no measurement has the id "${id}"`);
  }
  return problems;
}

const onlyFor: Partial<Record<PostprocessingStep['step'], ModelManifest['input']['kind']>> = {
  components: 'volume',
  'list-peaks': 'waveform',
  width: 'waveform',
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
    case 'sum':
      return [[step.of, ['tensor']]];
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

function givesOf(step: PostprocessingStep): [string, Kind][] {
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
      return [[step.gives, 'number']];
  }
}
