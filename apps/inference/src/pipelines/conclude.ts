import type { ModelManifest } from '../models/manifest.js';
import type { Finding, ModelInput, ModelOutput, Priority } from '../models/model.js';
import { number, text } from '../models/read-attributes.js';
import type { Values } from './values.js';

export type Conclusion = Pick<ModelOutput, 'outcome' | 'priority' | 'summary' | 'findings'>;
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
  const findings = manifest.measurements.map((measurement): Finding => {
    const value = values.number(measurement.value);
    const rules = manifest.triage.filter((rule) => rule.measurement === measurement.id);
    const broken = rules
      .filter((rule) => (rule.is === 'above' ? value > rule.threshold : value < rule.threshold))
      .sort((a, b) => urgency[b.priority] - urgency[a.priority])[0];
    if (broken) {
      outcome = 'positive';
      if (urgency[broken.priority] > urgency[priority]) priority = broken.priority;
    }
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
  return { outcome, priority, summary: fillIn(manifest, values), findings };
}

function findDoubt(manifest: ModelManifest, values: Values): string | undefined {
  for (const check of manifest.checks) {
    const value = values.number(check.value);
    const holds =
      !Number.isNaN(value) && !(value < (check.atLeast ?? -Infinity)) && !(value > (check.atMost ?? Infinity));
    if (!holds) return check.otherwise;
  }
  const untaken = manifest.measurements.find((measurement) => !Number.isFinite(values.number(measurement.value)));
  return untaken && `${untaken.label} could not be measured.`;
}

function fillIn(manifest: ModelManifest, values: Values): string {
  return manifest.summary.replace(/\{([^}]*)\}/g, (_, id: string) => {
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
