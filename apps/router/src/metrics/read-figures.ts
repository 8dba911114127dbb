import { type DataSource, query } from '#libs/database';
import type { Priority } from '#libs/workitems';

/** How long something took, in seconds, among `samples` studies; null where there are none. */
export interface Figure {
  samples: number;
  medianSeconds: number | null;
  p90Seconds: number | null;
  p95Seconds: number | null;
  longestSeconds: number | null;
}

/** Of the studies of a specialty and priority that arrived in the time asked for. */
export interface StudyFigures {
  /** null: none. */
  specialty: string | null;
  priority: Priority;
  arrived: number;
  open: number;
  /** Of the open ones, past their deadline. */
  overdue: number;
  /** Of those read, the share that was within its deadline, 0 to 1. */
  readInTime: number | null;
  arrivalToResult: Figure;
  arrivalToRead: Figure;
}

/** @param days how far back a study may have arrived */
export async function readFigures(db: DataSource, days: number): Promise<StudyFigures[]> {
  const rows = await query<{
    specialty: string | null;
    priority: Priority;
    arrived: number;
    open: number;
    overdue: number;
    read: number;
    in_time: number;
    answered: number;
    result_seconds: (number | null)[] | null;
    read_seconds: (number | null)[] | null;
  }>(
    db,
    `select specialty, priority, count(*)::integer as arrived, count(*) filter (where rank < 3)::integer as open,
            count(*) filter (where rank < 3 and deadline < now())::integer as overdue,
            count(to_read)::integer as read, count(*) filter (where to_read is not null and finished_at <= deadline)::integer as in_time,
            count(to_result)::integer as answered,
            percentile_disc(array[0.5, 0.9, 0.95, 1]) within group (order by to_result) as result_seconds,
            percentile_disc(array[0.5, 0.9, 0.95, 1]) within group (order by to_read) as read_seconds
       from (select *, extract(epoch from answered_at - arrived_at)::float8 as to_result,
                    case when state = 'COMPLETED' then extract(epoch from finished_at - arrived_at)::float8 end as to_read
               from worklist_entry where arrived_at > now() - $1 * interval '1 day') e
      group by specialty, priority
      order by specialty nulls last, array_position(array['HIGH', 'MEDIUM', 'LOW'], priority)`,
    [days],
  );
  return rows.map((row) => ({
    specialty: row.specialty,
    priority: row.priority,
    arrived: row.arrived,
    open: row.open,
    overdue: row.overdue,
    readInTime: row.read === 0 ? null : row.in_time / row.read,
    arrivalToResult: toFigure(row.answered, row.result_seconds),
    arrivalToRead: toFigure(row.read, row.read_seconds),
  }));
}

function toFigure(samples: number, seconds: (number | null)[] | null): Figure {
  const [medianSeconds = null, p90Seconds = null, p95Seconds = null, longestSeconds = null] = seconds ?? [];
  return { samples, medianSeconds, p90Seconds, p95Seconds, longestSeconds };
}
