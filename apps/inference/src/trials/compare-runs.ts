import { type DataSource, query } from '#libs/database';

export const groupings = ['scanner', 'site', 'week'] as const;
export type Grouping = (typeof groupings)[number];

/** Column names and expressions of our own; nothing of a request gets here. */
const groupSql: Record<Grouping, string> = {
  scanner: 'r.scanner',
  site: 'r.site',
  week: `to_char(r.created_at at time zone 'UTC', 'IYYY-"W"IW')`,
};

export interface Disagreement {
  group: string;
  /** Studies that both versions were run on. */
  studies: number;
  /** Of them, those where one said positive, negative or inconclusive and the other something else. */
  outcomes: number;
  priorities: number;
}

/** How often a version on trial and the one in force said different things of the same input. */
export async function readDisagreement(
  db: DataSource,
  trialKey: number,
  by: Grouping | 'all',
): Promise<Disagreement[]> {
  const group = by === 'all' ? `'all'` : groupSql[by];
  return query<Disagreement & object>(
    db,
    `select ${group} as "group", count(*)::integer as studies,
            count(*) filter (where r.outcome <> c.outcome)::integer as outcomes,
            count(*) filter (where r.priority <> c.priority)::integer as priorities
       from model_run r
       join model_run c on c.study_instance_uid = r.study_instance_uid and c.input_digest = r.input_digest
                       and c.model_id = r.model_id and c.role = 'current'
      where r.trial_key = $1 and r.role = 'shadow'
      group by 1 order by 1 limit 1000`,
    [trialKey],
  );
}

export interface ScoreDrift {
  version: string;
  score: string;
  group: string;
  runs: number;
  mean: number;
  standardDeviation: number;
  /** (mean of the group - mean of all the other groups) / standard deviation of all; null where nothing can be said. */
  shift: number | null;
}

/** How the scores of each version of a model lie by scanner, site or week. */
export async function readDrift(db: DataSource, modelId: string, by: Grouping, weeks: number): Promise<ScoreDrift[]> {
  const rows = await query<{
    version: string;
    score: string;
    group: string;
    runs: number;
    sum: number;
    squares: number;
  }>(
    db,
    `select r.model_version as version, s.key as score, ${groupSql[by]} as "group", count(*)::integer as runs,
            sum(s.value::float8) as sum, sum(s.value::float8 ^ 2) as squares
       from model_run r cross join lateral jsonb_each_text(r.scores) as s
      where r.model_id = $1 and r.created_at > now() - make_interval(weeks => $2)
      group by 1, 2, 3 order by 1, 2, 3 limit 10000`,
    [modelId, weeks],
  );
  const all = Map.groupBy(rows, ({ version, score }) => `${version} ${score}`);
  return rows.map(({ version, score, group, runs, sum, squares }) => {
    const same = all.get(`${version} ${score}`)!;
    const total = same.reduce(
      (so, row) => ({ runs: so.runs + row.runs, sum: so.sum + row.sum, squares: so.squares + row.squares }),
      { runs: 0, sum: 0, squares: 0 },
    );
    const mean = sum / runs;
    const spread = deviation(total);
    const others = total.runs - runs;
    return {
      version,
      score,
      group,
      runs,
      mean,
      standardDeviation: deviation({ runs, sum, squares }),
      shift: others === 0 || spread === 0 ? null : (mean - (total.sum - sum) / others) / spread,
    };
  });
}

function deviation({ runs, sum, squares }: { runs: number; sum: number; squares: number }): number {
  return Math.sqrt(Math.max(0, squares / runs - (sum / runs) ** 2));
}
