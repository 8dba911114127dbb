import { type DataSource, query, type Transaction } from '#libs/database';
import type { RuleProblem } from './parse-matcher.js';
import { readModels } from './routing-repository.js';
import type { Matcher, RuleDefinition } from './rule.js';
import { isSource } from './study-facts.js';
import { suggestion } from './suggest.js';

/**
 * What is wrong with a rule that reads well: it names a model that no worker offers or a destination that is not there,
 * or it would have results routed, which go in circles.
 */
export async function problemsOfReferences(
  db: DataSource | Transaction,
  definition: RuleDefinition,
): Promise<RuleProblem[]> {
  const problems: RuleProblem[] = [];
  const models = await readModels(db);
  for (const [index, { model, version }] of definition.gives.models.entries()) {
    const at = `gives.models[${index}]`;
    const versions = models.filter(({ modelId }) => modelId === model);
    if (versions.length === 0) {
      const names = [...new Set(models.map(({ modelId }) => modelId))];
      const message = `There is no model "${model}".${suggestion(model, names)} ${registered(names)}`;
      problems.push({ at: `${at}.model`, message });
    } else if (version !== 'current' && !versions.some((one) => one.version === version)) {
      const known = versions.map((one) => one.version).join(', ');
      problems.push({ at: `${at}.version`, message: `${model} has no version "${version}"; it has ${known}.` });
    } else if (version === 'current' && !versions.some(({ isCurrent }) => isCurrent)) {
      problems.push({ at: `${at}.version`, message: `No version of ${model} is the current one: name one.` });
    }
  }
  if (definition.gives.forward.length > 0) {
    const rows = await query<{ name: string }>(db, 'select name from destination order by name');
    const names = rows.map(({ name }) => name);
    for (const [index, name] of definition.gives.forward.entries()) {
      if (names.includes(name)) continue;
      const there =
        names.length === 0 ? 'There are none yet: POST /api/destinations.' : `There are ${names.join(', ')}.`;
      const message = `There is no destination "${name}".${suggestion(name, names)} ${there}`;
      problems.push({ at: `gives.forward[${index}]`, message });
    }
  }
  const derived = asksForResults(definition.when);
  if (derived !== undefined && definition.gives.models.length + definition.gives.forward.length > 0) {
    problems.push({
      at: 'when',
      message: `This would loop: it asks for ${derived}, which is what models make of a study, and its result would call for the next one. Reports, segmentations, key objects and presentation states are not routed; ask for the images they are about.`,
    });
  }
  return problems;
}

function registered(names: string[]): string {
  return names.length === 0
    ? 'No worker has registered any; start one first.'
    : `Workers offer ${names.slice(0, 20).join(', ')}.`;
}

/** What results a matcher cannot do without; undefined: it may match images. */
function asksForResults(when: Matcher): string | undefined {
  if ('all' in when) return when.all.map(asksForResults).find((part) => part !== undefined);
  if ('any' in when) {
    const parts = when.any.map(asksForResults);
    return parts.includes(undefined) ? undefined : [...new Set(parts)].join(' or ');
  }
  if ('not' in when || when.is === undefined) return undefined;
  const values = (Array.isArray(when.is) ? when.is : [when.is]).map(String);
  const isDerived = (value: string): boolean => {
    if (/[*?]/.test(value)) return false;
    if (when.keyword === 'Modality' || when.keyword === 'ModalitiesInStudy') return !isSource(value, []);
    return when.keyword.startsWith('SOPClass') && !isSource('', [value]);
  };
  return values.every(isDerived) ? `${when.keyword} ${values.join(' or ')}` : undefined;
}
