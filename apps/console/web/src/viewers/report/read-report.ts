import { type DicomJson, itemOf, itemsOf, numberOf, textOf } from '../../dicom/dicom-json.js';
import { tag } from '../../dicom/tags.js';
import { formatDicomDate, formatDicomTime } from '../../format/format-dicom-date.js';
import { formatPersonName } from '../../format/format-person-name.js';
import { formatQuantity } from '../../format/format-quantity.js';

/** One content item of a structured report, as text. */
export interface ReportNode {
  heading: string;
  /** Null for a container. */
  text: string | null;
  /** The object an IMAGE, WAVEFORM or COMPOSITE item points at. */
  reference: { sopInstanceUid: string; frames: string[] } | null;
  children: ReportNode[];
}

const valueTag = {
  TextValue: '0040A160',
  DateTime: '0040A120',
  Date: '0040A121',
  Time: '0040A122',
  PersonName: '0040A123',
  Uid: '0040A124',
  MeasuredValueSequence: '0040A300',
  NumericValue: '0040A30A',
  MeasurementUnitsCodeSequence: '004008EA',
  NumericValueQualifierCodeSequence: '0040A301',
  ValueType: '0040A040',
  GraphicType: '00700023',
  GraphicData: '00700022',
  TemporalRangeType: '0040A130',
  ReferencedSOPSequence: '00081199',
  ReferencedSOPInstanceUID: '00081155',
  ReferencedFrameNumber: '00081160',
} as const;

/** Deeper than any template goes; a report that nests further is cut, and says so. */
const depthMax = 24;

/** The content tree of a structured report (PS3.3 C.17.3), for reading. */
export function readReport(dataset: DicomJson, depth = 0): ReportNode {
  const heading = meaningOf(itemOf(dataset, tag.ConceptNameCodeSequence)) ?? '';
  const items = itemsOf(dataset, tag.ContentSequence);
  const children =
    depth < depthMax
      ? items.map((item) => readReport(item, depth + 1))
      : items.length === 0
        ? []
        : [{ heading: '', text: `${items.length} deeper items are not shown`, reference: null, children: [] }];
  return { heading, text: valueOf(dataset), reference: referenceOf(dataset), children };
}

function valueOf(item: DicomJson): string | null {
  switch (textOf(item, valueTag.ValueType)) {
    case 'CONTAINER':
    case undefined:
      return null;
    case 'TEXT':
      return textOf(item, valueTag.TextValue) ?? '';
    case 'NUM':
      return numericValue(item);
    case 'CODE':
      return meaningOf(itemOf(item, tag.ConceptCodeSequence)) ?? '(no code)';
    case 'DATETIME':
      return dateTime(textOf(item, valueTag.DateTime));
    case 'DATE':
      return formatDicomDate(textOf(item, valueTag.Date)) ?? '';
    case 'TIME':
      return formatDicomTime(textOf(item, valueTag.Time)) ?? '';
    case 'PNAME':
      return formatPersonName(textOf(item, valueTag.PersonName));
    case 'UIDREF':
      return textOf(item, valueTag.Uid) ?? '';
    case 'SCOORD':
    case 'SCOORD3D': {
      const points = item[valueTag.GraphicData]?.Value?.length ?? 0;
      return `${(textOf(item, valueTag.GraphicType) ?? 'shape').toLowerCase()}, ${points} coordinates`;
    }
    case 'TCOORD':
      return (textOf(item, valueTag.TemporalRangeType) ?? 'time').toLowerCase();
    case 'IMAGE':
    case 'WAVEFORM':
    case 'COMPOSITE':
      return '';
    default:
      return `(${textOf(item, valueTag.ValueType)})`;
  }
}

function numericValue(item: DicomJson): string {
  const measured = itemOf(item, valueTag.MeasuredValueSequence);
  const value = numberOf(measured, valueTag.NumericValue);
  if (value === undefined) {
    return meaningOf(itemOf(item, valueTag.NumericValueQualifierCodeSequence)) ?? '(no value)';
  }
  const unit = itemOf(measured, valueTag.MeasurementUnitsCodeSequence);
  return formatQuantity(value, textOf(unit, tag.CodeValue) ?? '');
}

function referenceOf(item: DicomJson): ReportNode['reference'] {
  const referenced = itemOf(item, valueTag.ReferencedSOPSequence);
  const sopInstanceUid = textOf(referenced, valueTag.ReferencedSOPInstanceUID);
  if (sopInstanceUid === undefined) return null;
  const frames = (referenced?.[valueTag.ReferencedFrameNumber]?.Value ?? []).map(String);
  return { sopInstanceUid, frames };
}

function meaningOf(code: DicomJson | undefined): string | undefined {
  return textOf(code, tag.CodeMeaning) ?? textOf(code, tag.CodeValue);
}

function dateTime(value: string | undefined): string {
  const match = /^(\d{8})(\d{4,6})?/.exec(value ?? '');
  if (!match) return value ?? '';
  return [formatDicomDate(match[1]), formatDicomTime(match[2])].filter(Boolean).join(' ');
}
