import { HttpProblem } from '#libs/server';
import type { QidoQuery } from '../wire/parse-qido.js';
import { isReadFromDataSets } from './where-sql.js';

/** PostgreSQL's query_canceled: the statement took longer than its connection allows. */
const queryCanceled = '57014';

/**
 * What a search failed with, as the client is to see it: when it ran into its limit of time, 413 (PS3.18 table 10.6.3-1)
 * and how to ask for less.
 */
export function refuseTooBroad(error: unknown, query: QidoQuery, secondsMax: number): unknown {
  if ((error as { code?: unknown } | null)?.code !== queryCanceled) return error;
  const unindexed = query.matches
    .filter((match) => isReadFromDataSets(match, query.level))
    .map(({ attribute }) => attribute.keyword);
  const why =
    unindexed.length === 0
      ? ''
      : ` No index holds ${unindexed.join(', ')}: every data set that the other keys leave has to be read.`;
  return new HttpProblem(
    413,
    'Content Too Large',
    `This search is too broad: it was stopped after ${secondsMax} s.${why} Narrow it, for example to one study (StudyInstanceUID, or /studies/{study}/…), a PatientID, an AccessionNumber or a range of StudyDate, and ask for pages with limit and offset.`,
  );
}
