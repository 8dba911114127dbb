import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { query } from '#libs/database';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import { chestCt, insertModel, insertResult, insertStudy } from '../../../../test/support/router/insert-study.js';
import { type RunningRouter, startRouter } from '../../../../test/support/router/start-router.js';
import type { Replay } from './replay-rules.js';
import { seededRules } from '../routing/seeded-rules.js';
import type { RuleAnswer } from './rules.controller.js';

/** Rules as an admin changes them: over HTTP, with studies that are here to try them on. */
let db: TestDatabase;
let router: RunningRouter;
beforeAll(async () => {
  db = await createTestDatabase();
  router = await startRouter(db, { ISOCENTER_QUIET_PERIOD_SECONDS: '1' });
  await insertModel(db.dataSource, 'radiology/lung-density');
}, 60_000);
afterAll(async () => {
  await router?.stop();
  await db.drop();
});

interface Problem {
  title: string;
  detail: string;
  problems: { at: string; message: string }[];
}
async function ask<Answer>(method: string, path: string, body?: unknown): Promise<{ status: number; body: Answer }> {
  const response = await fetch(`${router.url}/api/rules${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as Answer };
}
const list = async () => (await ask<{ rules: RuleAnswer[]; drafts: RuleAnswer[] }>('GET', '')).body;
const headCt = {
  name: 'Head CT',
  definition: {
    when: {
      all: [
        { keyword: 'Modality', is: 'CT' },
        { keyword: 'BodyPartExamined', is: 'HEAD' },
      ],
    },
    gives: { models: [{ model: 'radiology/lung-density' }], priority: 'HIGH' },
  },
};

describe('a rule', () => {
  let ruleId: string;

  it('begins as a draft that decides nothing', async () => {
    const { status, body } = await ask<RuleAnswer>('POST', '', headCt);
    expect(status).toBe(201);
    expect(body).toMatchObject({ version: 1, state: 'draft', position: 10 * (seededRules.length + 1), problem: null });
    ({ ruleId } = body);
    const { rules, drafts } = await list();
    expect(rules).toHaveLength(seededRules.length);
    expect(drafts.map(({ name }) => name)).toEqual(['Head CT']);
  });

  it('decides when it is activated, and its next draft does not until then', async () => {
    expect((await ask('POST', `/${ruleId}/activate`, { note: 'As agreed.' })).status).toBe(200);
    const changed = { ...headCt, name: 'Head CT, any', position: 5 };
    expect((await ask<RuleAnswer>('PUT', `/${ruleId}`, changed)).body).toMatchObject({ version: 2, state: 'draft' });
    expect((await ask<RuleAnswer>('PUT', `/${ruleId}`, changed)).body).toMatchObject({ version: 2, state: 'draft' });
    expect((await list()).rules.map(({ name }) => name)).toContain('Head CT');
    await ask('POST', `/${ruleId}/activate`);
    expect((await list()).rules[0]).toMatchObject({ ruleId, name: 'Head CT, any', version: 2 });
  });

  it('goes back, and tells what decided when', async () => {
    expect((await ask<RuleAnswer>('POST', `/${ruleId}/rollback`, { note: 'Too many.' })).body).toMatchObject({
      version: 1,
      state: 'active',
    });
    const { body } = await ask<{ versions: RuleAnswer[]; changes: { version: number; note: string }[] }>(
      'GET',
      `/${ruleId}`,
    );
    expect(body.versions.map(({ version, state }) => [version, state])).toEqual([
      [2, 'retired'],
      [1, 'active'],
    ]);
    expect(body.changes.map(({ version, note }) => [version, note])).toEqual([
      [1, 'Too many.'],
      [2, ''],
      [1, 'As agreed.'],
    ]);
  });

  it('is retired, kept, and brought back', async () => {
    expect((await ask('DELETE', `/${ruleId}`)).status).toBe(204);
    expect((await list()).rules.map((rule) => rule.ruleId)).not.toContain(ruleId);
    expect((await ask('POST', `/${ruleId}/activate`, { version: 2 })).status).toBe(200);
    expect((await list()).rules.map((rule) => rule.ruleId)).toContain(ruleId);
    await ask('DELETE', `/${ruleId}`);
  });

  it('of many who activate at once leaves one version that decides', async () => {
    const versions = [1, 2, 1, 2, 1, 2];
    const answers = await Promise.all(versions.map((version) => ask('POST', `/${ruleId}/activate`, { version })));
    expect(answers.map(({ status }) => status)).toEqual(versions.map(() => 200));
    const { rules } = await list();
    expect(rules.filter((rule) => rule.ruleId === ruleId)).toHaveLength(1);
    await ask('DELETE', `/${ruleId}`);
  });
});

describe('a rule is refused', () => {
  it.each<[string, unknown, string, string]>([
    [
      'that does not parse',
      { when: { keyword: 'BodyPart', is: 'X' }, gives: {} },
      'definition.when.keyword',
      'BodyPartExamined',
    ],
    [
      'that names no model there is',
      { ...headCt.definition, gives: { models: [{ model: 'radiology/lung-densty' }] } },
      'definition.gives.models[0].model',
      'Did you mean "radiology/lung-density"?',
    ],
    [
      'that names no version there is',
      { ...headCt.definition, gives: { models: [{ model: 'radiology/lung-density', version: '9' }] } },
      'definition.gives.models[0].version',
      'it has 1.0.0',
    ],
    [
      'that names no destination there is',
      { ...headCt.definition, gives: { forward: ['pacs'] } },
      'definition.gives.forward[0]',
      'There is no destination "pacs"',
    ],
    [
      'that would loop',
      { when: { keyword: 'Modality', is: ['SR', 'SEG'] }, gives: { models: [{ model: 'radiology/lung-density' }] } },
      'definition.when',
      'This would loop: it asks for Modality SR or SEG',
    ],
    ['without a definition', undefined, 'definition', 'A rule is an object'],
  ])('%s, and says why', async (_, definition, at, says) => {
    for (const path of ['', '/replay']) {
      const { status, body } = await ask<Problem>('POST', path, { name: 'Broken', definition });
      expect(status).toBe(400);
      expect(body).toMatchObject({ title: 'The rule is refused', problems: [{ at }] });
      expect(body.detail).toContain(says);
    }
    const { body } = await ask('POST', '/check', { name: 'Broken', definition });
    expect(body).toMatchObject({ isUsable: false, problems: [{ at }] });
    expect((await list()).drafts).toEqual([]);
  });

  it('with 404 or 409 where there is nothing to change', async () => {
    expect((await ask('PUT', '/0197a000-0000-7000-8000-00000000ffff', headCt)).status).toBe(404);
    expect((await ask('GET', '/nonsense')).status).toBe(404);
    const seeded = '0197a000-0000-7000-8000-000000000001';
    expect((await ask('POST', `/${seeded}/activate`)).status).toBe(409);
    expect((await ask('POST', `/${seeded}/rollback`)).status).toBe(409);
    expect((await ask('DELETE', `/${seeded}/draft`)).status).toBe(404);
  });

  it('when its body is none of a rule', async () => {
    const { status, body } = await ask<Problem>('POST', '', { naem: 'x' });
    expect(status).toBe(400);
    expect(body.problems.map(({ at }) => at)).toContain('name');
  });
});

describe('replay', () => {
  it('says which studies a draft would match, what would change, and what it costs', async () => {
    const chest = await insertStudy(db.dataSource, { series: [chestCt] });
    const head = await insertStudy(db.dataSource, {
      series: [{ modality: 'CT', attributes: { BodyPartExamined: 'HEAD' } }],
    });
    await insertStudy(db.dataSource, { series: [{ modality: 'MR' }] });
    const before = await ask<Replay>('POST', '/replay', headCt);
    expect(before.body).toMatchObject({
      studies: 3,
      matched: 1,
      changed: 1,
      modelMinutes: { before: 0, after: 0, more: 0 },
      modelsWithoutRuns: ['radiology/lung-density'],
      examples: [
        {
          studyInstanceUid: head,
          matched: true,
          reason: '1 of 1 series: Modality is "CT", BodyPartExamined is "HEAD".',
          added: ['model radiology/lung-density 1.0.0'],
          removed: [],
          priority: { before: null, after: 'HIGH' },
        },
      ],
    });
    // One run of two minutes was recorded.
    await fetch(`${router.url}/api/studies/${chest}/complete`, { method: 'POST' });
    const [task] = await query<{ workitem_uid: string }>(
      db.dataSource,
      `select workitem_uid from workitem where kind = 'ai'`,
    );
    await insertResult(db.dataSource, task!.workitem_uid);
    await query(db.dataSource, `update result set finished_at = started_at + interval '2 minutes'`);
    const { body } = await ask<Replay>('POST', '/replay', headCt);
    expect(body.modelMinutes).toEqual({ before: 2, after: 4, more: 2 });
    expect(body.models).toEqual([
      {
        model: 'radiology/lung-density',
        version: '1.0.0',
        runsBefore: 1,
        runsAfter: 2,
        minutesPerRun: 2,
        minutesBefore: 2,
        minutesAfter: 4,
      },
    ]);
    const few = await ask<Replay>('POST', '/replay', { ...headCt, studies: 1 });
    expect(few.body.studies).toBe(1);
    const named = await ask<Replay>('POST', '/replay', { ...headCt, studyInstanceUids: [chest] });
    expect(named.body).toMatchObject({ studies: 1, matched: 0, changed: 0, examples: [] });
  });
});
