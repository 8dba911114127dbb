import { type DicomJson, jsonItems, jsonText } from '#libs/dicom';
import { query, type Transaction } from '#libs/database';
import type { AiWorkitem, Priority } from '#libs/workitems';
import { type ReportedFindings, reportedFindings } from './reported-findings.js';

const structuredReports = '1.2.840.10008.5.1.4.1.1.88.';
/** A report is read whole; one larger than this is still there for people. */
const reportCharactersMax = 4 * 1024 ** 2;

/**
 * Puts what a performer from outside the suite found onto the worklist: the first structured report among its outputs
 * that is in the archive. Without one there is no result to show, only that the task was done.
 */
export async function saveReportedResult(tx: Transaction, workitem: AiWorkitem): Promise<void> {
  const performer = workitem.performer ?? 'Another performer';
  const report = await findReport(tx, workitem);
  if (report === undefined) return;
  const said = report.text === undefined ? undefined : reportedFindings(JSON.parse(report.text) as DicomJson);
  await query(
    tx,
    `insert into result (result_id, study_key, workitem_uid, model_id, model_version, model_sha256, input_digest,
                         outcome, priority, summary, findings, runtime, report_series_uid, report_sop_instance_uid,
                         started_at, finished_at)
     select gen_random_uuid(), study_key, workitem_uid, model_id, model_version, model_sha256, input_digest,
            $2, $3, $4, $5, $6, $7, $8, claimed_at, finished_at
       from workitem where workitem_uid = $1 and study_key is not null
     on conflict on constraint uq_result_workitem do nothing`,
    [
      workitem.uid,
      // No verdict in codes we know is no verdict: never to be read as "negative".
      said?.outcome ?? 'inconclusive',
      priorityOf(said),
      summaryOf(said, performer),
      JSON.stringify(said?.findings ?? []),
      JSON.stringify({ performer }),
      report.seriesInstanceUid,
      report.sopInstanceUid,
    ],
  );
}

/** As urgent as can be said of a verdict without knowing the model; it can raise the study's priority, never lower it. */
function priorityOf(said: ReportedFindings | undefined): Priority {
  return said?.outcome === 'positive' ? 'HIGH' : 'LOW';
}

function summaryOf(said: ReportedFindings | undefined, performer: string): string {
  const measured = said?.findings
    .slice(0, 3)
    .map(({ name, value, unit }) => `${name} ${value} ${unit.value}`)
    .join(', ');
  const text = said?.comment ?? (measured === undefined || measured === '' ? 'Its report says more.' : `${measured}.`);
  return `Analysed by ${performer}: ${text}`.slice(0, 1000);
}

interface FoundReport {
  seriesInstanceUid: string;
  sopInstanceUid: string;
  /** Its DICOM JSON; undefined: too large to read. */
  text: string | undefined;
}

async function findReport(tx: Transaction, workitem: AiWorkitem): Promise<FoundReport | undefined> {
  const references = jsonItems(workitem.dataset, '00741216')
    .flatMap((performed) => jsonItems(performed, '00404033'))
    .flatMap((output) => jsonItems(output, '00081199'))
    .filter((reference) => jsonText(reference, '00081150')?.startsWith(structuredReports) === true)
    .map((reference) => jsonText(reference, '00081155'))
    .filter((uid) => uid !== undefined);
  const [row] = await query<{ series_instance_uid: string; sop_instance_uid: string; text: string | null }>(
    tx,
    `select e.series_instance_uid, i.sop_instance_uid,
            case when length(i.dicom_json) <= $3 then i.dicom_json end as text
       from unnest($1::text[]) with ordinality as r (uid, position)
       join instance i on i.sop_instance_uid = r.uid
       join series e using (series_key)
       join study s on s.study_key = i.study_key
      where s.study_instance_uid = $2
      order by r.position limit 1`,
    [references, workitem.studyInstanceUid, reportCharactersMax],
  );
  return (
    row && {
      seriesInstanceUid: row.series_instance_uid,
      sopInstanceUid: row.sop_instance_uid,
      text: row.text ?? undefined,
    }
  );
}
