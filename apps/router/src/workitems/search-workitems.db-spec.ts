import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig } from '#libs/config';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import { chestCt, insertModel, insertStudy } from '../../../../test/support/router/insert-study.js';
import { sopClass } from '../../../../test/support/router/make-facts.js';
import { RouteStudy } from '../routing/route-study.js';
import { SeedRules } from '../routing/seed-rules.js';
import { parseWorkitemQuery, searchWorkitems } from '#libs/workitems';

let db: TestDatabase;
let ct: string;
let mr: string;
beforeAll(async () => {
  db = await createTestDatabase();
  const router = new RouteStudy(db.dataSource, await db.jobs(), loadConfig('suite', {}));
  await new SeedRules(db.dataSource).onApplicationBootstrap();
  await insertModel(db.dataSource, 'radiology/lung-density');
  ct = await insertStudy(db.dataSource, { patientId: 'A_1%', series: [chestCt] });
  mr = await insertStudy(db.dataSource, { patientId: 'AB12', series: [{ modality: 'MR', sopClassUid: sopClass.mr }] });
  for (const uid of [ct, mr]) await router.route(uid);
});
afterAll(() => db.drop());

const search = async (raw: Record<string, unknown>) =>
  (await searchWorkitems(db.dataSource, parseWorkitemQuery(raw))).map(
    ({ kind, studyInstanceUid }) => `${kind} of ${studyInstanceUid === ct ? 'ct' : 'mr'}`,
  );

describe('searchWorkitems', () => {
  it.each<[Record<string, unknown>, string[]]>([
    [{}, ['reading of ct', 'ai of ct', 'reading of mr']],
    [
      { ProcedureStepState: 'SCHEDULED', ScheduledProcedureStepPriority: 'MEDIUM' },
      ['reading of ct', 'ai of ct', 'reading of mr'],
    ],
    [{ ProcedureStepState: 'COMPLETED' }, []],
    [{ 'ScheduledWorkitemCodeSequence.CodeValue': '110005' }, ['reading of ct', 'reading of mr']],
    [{ '00404018.00080100': '110004' }, ['ai of ct']],
    [{ WorklistLabel: 'radio*' }, ['reading of ct', 'ai of ct', 'reading of mr']],
    [{ ProcedureStepLabel: 'AI: *' }, ['ai of ct']],
    [{ PatientID: 'AB1?' }, ['reading of mr']],
    // Wildcards of SQL are letters like any other.
    [{ PatientID: 'A_1%' }, ['reading of ct', 'ai of ct']],
    [{ PatientID: 'A_1?' }, ['reading of ct', 'ai of ct']],
    [{ PatientID: 'A_1' }, []],
    [{ PatientID: '%' }, []],
    [{ limit: '1', offset: '1' }, ['ai of ct']],
    [{ offset: '3' }, []],
  ])('%j', async (raw, expected) => {
    expect(await search(raw)).toEqual(expected);
  });

  it('finds a study by each of the places its UID stands in', async () => {
    expect(await search({ StudyInstanceUID: ct })).toEqual(['reading of ct', 'ai of ct']);
    expect(await search({ 'ReferencedRequestSequence.StudyInstanceUID': mr })).toEqual(['reading of mr']);
    expect(await search({ 'InputInformationSequence.StudyInstanceUID': `${ct},${mr}` })).toHaveLength(3);
  });
});
