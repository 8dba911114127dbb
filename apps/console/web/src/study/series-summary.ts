import { type DicomJson, numberOf, textOf } from '../dicom/dicom-json.js';
import { tag } from '../dicom/tags.js';

/** A series as the list shows it. */
export interface SeriesSummary {
  seriesInstanceUid: string;
  modality: string;
  description: string | undefined;
  number: number | undefined;
  instanceCount: number | undefined;
}

const documents = new Set(['SR', 'KO', 'PR', 'DOC', 'PLAN', 'AU', 'REG', 'FID', 'RTSTRUCT', 'RTPLAN', 'ANN']);

/** The series of a QIDO-RS answer: pictures first, each kind by series number. */
export function readSeriesSummaries(answer: readonly DicomJson[]): SeriesSummary[] {
  return answer
    .flatMap((series): SeriesSummary[] => {
      const seriesInstanceUid = textOf(series, tag.SeriesInstanceUID);
      if (seriesInstanceUid === undefined) return [];
      return [
        {
          seriesInstanceUid,
          modality: textOf(series, tag.Modality) ?? '?',
          description: textOf(series, tag.SeriesDescription),
          number: numberOf(series, tag.SeriesNumber),
          instanceCount: numberOf(series, tag.NumberOfSeriesRelatedInstances),
        },
      ];
    })
    .sort(
      (a, b) =>
        Number(documents.has(a.modality)) - Number(documents.has(b.modality)) ||
        (a.number ?? Number.MAX_SAFE_INTEGER) - (b.number ?? Number.MAX_SAFE_INTEGER) ||
        (a.seriesInstanceUid < b.seriesInstanceUid ? -1 : 1),
    );
}

/** The series to open first: of the pictures the largest, so that a localiser is not what one sees. */
export function chooseFirstSeries(series: readonly SeriesSummary[]): SeriesSummary | undefined {
  const pictures = series.filter(({ modality }) => !documents.has(modality));
  return (pictures.length > 0 ? pictures : [...series]).reduce<SeriesSummary | undefined>(
    (best, each) => (best && (best.instanceCount ?? 0) >= (each.instanceCount ?? 0) ? best : each),
    undefined,
  );
}
