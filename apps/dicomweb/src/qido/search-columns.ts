import type { SearchLevel } from '../wire/search-attributes.js';

/** How an attribute is stored, and so how it is compared. Written by us, never from a request. */
export interface Column {
  kind: 'text' | 'name' | 'number' | 'text-array';
  sql: string;
}

type Columns = Readonly<Record<string, Column>>;

const text = (sql: string): Column => ({ kind: 'text', sql });
const name = (sql: string): Column => ({ kind: 'name', sql });
const number = (sql: string): Column => ({ kind: 'number', sql });
const textArray = (sql: string): Column => ({ kind: 'text-array', sql });

/** The columns by tag, of the tables that every search calls `st`, `se` and `i`. Person names: groups joined by `=`. */
export const columns: Readonly<Record<SearchLevel, Columns>> = {
  study: {
    '00080020': text('st.study_date'),
    '00080030': text('st.study_time'),
    '00080050': text('st.accession_number'),
    '00080061': textArray('st.modalities'),
    '00080062': textArray('st.sop_classes'),
    '00080090': name('st.referring_physician_name'),
    '00081030': text('st.study_description'),
    '00100010': name('st.patient_name'),
    '00100020': text('st.patient_id'),
    '00100021': text('st.issuer_of_patient_id'),
    '00100030': text('st.patient_birth_date'),
    '00100040': text('st.patient_sex'),
    '0020000D': text('st.study_instance_uid'),
    '00200010': text('st.study_id'),
    '00201206': number('st.number_of_series'),
    '00201208': number('st.number_of_instances'),
  },
  series: {
    '00080060': text('se.modality'),
    '0008103E': text('se.series_description'),
    '00083002': textArray('se.transfer_syntaxes'),
    '00180015': text('se.body_part_examined'),
    '0020000E': text('se.series_instance_uid'),
    '00200011': number('se.series_number'),
    '00201209': number('se.number_of_instances'),
    '00400244': text('se.performed_procedure_step_start_date'),
    '00400245': text('se.performed_procedure_step_start_time'),
  },
  instance: {
    '00080016': text('i.sop_class_uid'),
    '00080018': text('i.sop_instance_uid'),
    '00083002': text('i.transfer_syntax_uid'),
    '00200013': number('i.instance_number'),
    '00280008': number('i.number_of_frames'),
    '00280010': number('i.rows'),
    '00280011': number('i.columns'),
    '00280100': number('i.bits_allocated'),
  },
};

/** What the rows of a level say of all rows below them, by the tag of the attribute there. */
export const rollUps: Readonly<Record<SearchLevel, Columns>> = {
  study: { '00080016': columns.study['00080062']!, '00080060': columns.study['00080061']! },
  series: { '00080016': textArray('se.sop_classes') },
  instance: {},
};

const searchOrder: Record<SearchLevel, readonly SearchLevel[]> = {
  study: ['study', 'series', 'instance'],
  series: ['study', 'series', 'instance'],
  // An instance's own transfer syntax comes before those of its series.
  instance: ['instance', 'series', 'study'],
};

/** @param level of the search @returns the column of an attribute and whose it is, undefined when it has none */
export function findColumn(path: string, level: SearchLevel): { level: SearchLevel; column: Column } | undefined {
  for (const owner of searchOrder[level]) {
    const column = columns[owner][path];
    if (column !== undefined) return { level: owner, column };
  }
  return undefined;
}
