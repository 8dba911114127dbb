import type { ModelManifest } from '../models/manifest.js';
import type { Finding, ModelInput, ModelOutput, Priority } from '../models/model.js';
import { number, text } from '../models/read-attributes.js';
import type { Values } from './values.js';

export type Conclusion = Pick<ModelOutput, 'outcome' | 'priority' | 'summary' | 'findings'>;
const scoreDecimals = 3;
const urgency: Record<Priority, number> = { LOW: 0, MEDIUM: 1, HIGH: 2 };

/**
 * From numbers to an answer: a check that fails, or a measurement that could not be taken, makes it inconclusive, without numbers;
 * else the triage rules say positive or negative and how urgent.
 */
export function conclude(manifest: ModelManifest, input: ModelInput, values: Values): Conclusion {
  const doubt = findDoubt(manifest, values);
  if (doubt !== undefined)
    return { outcome: 'inconclusive', priority: 'LOW', summary: `Inconclusive: ${doubt}`, findings: [] };

  const sourceInstances = sourcesOf(input);
  let priority: Priority = 'LOW';
  let outcome: Conclusion['outcome'] = 'negative';
  const mostUrgent = <Rule extends { priority: Priority }>(broken: Rule[]): Rule | undefined => {
    const [worst] = broken.sort((a, b) => urgency[b.priority] - urgency[a.priority]);
    if (worst) {
      outcome = 'positive';
      if (urgency[worst.priority] > urgency[priority]) priority = worst.priority;
    }
    return worst;
  };
  const findings = manifest.measurements.map((measurement): Finding => {
    const value = values.number(measurement.value);
    const rules = manifest.triage
      .filter((rule) => 'measurement' in rule)
      .filter((rule) => rule.measurement === measurement.id);
    const broken = mostUrgent(
      rules.filter((rule) => (rule.is === 'above' ? value > rule.threshold : value < rule.threshold)),
    );
    const finding: Finding = {
      name: measurement.label,
      code: measurement.code,
      value: round(value, measurement.decimals),
      unit: measurement.unit,
      ...(measurement.site && { site: measurement.site }),
      ...(measurement.finding && { finding: measurement.finding }),
      sourceInstances,
    };
    const compared = broken ?? rules[0];
    if (compared)
      Object.assign(finding, {
        flag: broken ? 'abnormal' : 'normal',
        threshold: compared.threshold,
      } satisfies Partial<Finding>);
    return finding;
  });
  const classes = manifest.classes.map((one): Finding => {
    const { id, label, code } = chosenLabel(manifest, values, one.of);
    const rules = manifest.triage.filter((rule) => 'class' in rule).filter((rule) => rule.class === one.id);
    const isAbnormal = mostUrgent(rules.filter(({ oneOf }) => oneOf.includes(id))) !== undefined;
    return {
      name: `${one.label}: ${label}`,
      code: one.code,
      category: code,
      value: round(values.number(`${one.of}.score`), scoreDecimals),
      unit: { value: '1', scheme: 'UCUM', meaning: 'no units' },
      ...(rules.length > 0 && { flag: isAbnormal ? 'abnormal' : 'normal' }),
      sourceInstances,
    };
  });
  return { outcome, priority, summary: fillIn(manifest, values), findings: [...findings, ...classes] };
}

function chosenLabel({ labels }: ModelManifest, values: Values, of: string): ModelManifest['labels'][number] {
  const value = values.number(of);
  return labels.find((label) => label.value === value)!;
}

function findDoubt(manifest: ModelManifest, values: Values): string | undefined {
  for (const check of manifest.checks) {
    const value = values.number(check.value);
    const holds =
      !Number.isNaN(value) && !(value < (check.atLeast ?? -Infinity)) && !(value > (check.atMost ?? Infinity));
    if (!holds) return check.otherwise;
  }
  const untaken = manifest.measurements.find((measurement) => !Number.isFinite(values.number(measurement.value)));
  if (untaken) return `${untaken.label} could not be measured.`;
  const unscored = manifest.classes.find(({ of }) => !Number.isFinite(values.number(`${of}.score`)));
  return unscored && `${unscored.label} could not be told.`;
}

function fillIn(manifest: ModelManifest, values: Values): string {
  return manifest.summary.replace(/\{([^}]*)\}/g, (_, id: string) => {
    const chosen = manifest.classes.find((one) => one.id === id);
    if (chosen) return chosenLabel(manifest, values, chosen.of).label;
    const measurement = manifest.measurements.find((one) => one.id === id)!;
    return values.number(measurement.value).toFixed(measurement.decimals);
  });
}

function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}

/** The instances read; their frames only where not all of an instance's frames were. */
function sourcesOf(input: ModelInput): Finding['sourceInstances'] {
  const frames = Map.groupBy(input.frames, (frame) => frame.sopInstanceUid);
  return input.instances.map((instance) => {
    const sopInstanceUid = text(instance, 'SOPInstanceUID') ?? '';
    const source = { sopClassUid: text(instance, 'SOPClassUID') ?? '', sopInstanceUid };
    const read = frames.get(sopInstanceUid) ?? [];
    const isWhole = read.length === 0 || read.length === (number(instance, 'NumberOfFrames') ?? 1);
    return isWhole ? source : { ...source, frames: read.map((frame) => frame.frameNumber) };
  });
}
