import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const root = path.resolve(import.meta.dirname, '../..');
/** pydicom carries the codes of PS3.16's context groups and templates. */
const python = ['/usr/bin/python3', 'python3'].find(
  (one) => spawnSync(one, ['-c', 'import pydicom.sr._concepts_dict'], { stdio: 'ignore' }).status === 0,
);
if (python === undefined) console.warn('pydicom is not on this machine: codes are not compared with PS3.16.');

interface Code {
  scheme: string;
  value: string;
  meaning: string;
}

/** Not in PS3.16's tables as pydicom reads them, and looked up elsewhere: SNOMED CT's by what releases and users of it call them. */
const foundElsewhere: Record<string, string> = {
  'MDC 2:16016': 'PS3.16 TID 3713',
  'SCT 84640000': 'PS3.16 CID 8135, younger than some pydicom',
  'UCUM mL': 'UCUM',
  'SCT 10828004': 'Positive (qualifier value)',
  'SCT 309529002': 'Lung mass (finding): HL7 genomics reporting',
  'SCT 427359005': 'Solitary nodule of lung (finding)',
  'SCT 233604007': 'Pneumonia (disorder), below 95436008 in the release of 2010',
  'SCT 46621007': 'Atelectasis (disorder): mapping of MedDRA 10003598',
  'SCT 95436008': 'Lung consolidation (disorder)',
  'SCT 87433001': 'Pulmonary emphysema (disorder)',
  'SCT 51615001': 'Fibrosis of lung (disorder)',
  'SCT 39839004': 'Diaphragmatic hernia (disorder): HL7 FHIR, family history',
  'SCT 266249003': 'Ventricular hypertrophy (disorder): PhysioNet challenge 2021',
  'SCT 55930002': 's t changes: PhysioNet challenge 2021',
};

/** Every code of every model.json, shipped or an example. */
function codesOfModels(): Code[] {
  const found = new Map<string, Code>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { scheme, value: code, meaning } = value as Partial<Code>;
    if (typeof scheme === 'string' && typeof code === 'string' && typeof meaning === 'string')
      found.set(`${scheme} ${code} ${meaning}`, { scheme, value: code, meaning });
    for (const one of Object.values(value)) visit(one);
  };
  for (const folder of ['models', 'test/models'])
    for (const file of readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }))
      if (path.basename(file) === 'model.json')
        visit(JSON.parse(readFileSync(path.join(root, folder, file), 'utf8')) as unknown);
  return [...found.values()].filter(({ scheme }) => !scheme.startsWith('99'));
}

/** In PS3.16 a meaning may be written in several ways; these words of it are the ones that tell what it is. */
const words = (meaning: string): string[] => [...meaning.toLowerCase().matchAll(/[a-z]{4,}/g)].map(([word]) => word);

(python === undefined ? describe.skip : describe)('codes of models', () => {
  it('are in PS3.16, and mean there what they are said to mean, or were looked up elsewhere', () => {
    const script = [
      'import json',
      'from pydicom.sr._concepts_dict import concepts',
      'print(json.dumps([[s, c, m[0]] for s, d in concepts.items() for k in d.values() for c, m in k.items()]))',
    ].join('\n');
    const known = JSON.parse(execFileSync(python!, ['-c', script], { maxBuffer: 64 * 1024 ** 2 }).toString()) as [
      scheme: string,
      value: string,
      meaning: string,
    ][];
    const meanings = Map.groupBy(known, ([scheme, value]) => `${scheme} ${value}`);
    const codes = codesOfModels();
    expect(codes.length).toBeGreaterThan(30);
    const wrong = codes.filter(({ scheme, value, meaning }) => {
      const found = meanings.get(`${scheme} ${value}`);
      if (found === undefined) return foundElsewhere[`${scheme} ${value}`] === undefined;
      if (scheme === 'UCUM') return false;
      const own = words(meaning);
      return !found.some(([, , there]) => words(there).some((word) => own.includes(word)));
    });
    expect(wrong).toEqual([]);
  });
});
