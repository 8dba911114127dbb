import { seriesUrl } from '../api/dicomweb.js';
import { Thumbnail } from '../parts/thumbnail.js';
import type { SeriesSummary } from './series-summary.js';

interface SeriesListProps {
  studyInstanceUid: string;
  series: SeriesSummary[];
  selected: string | undefined;
  onSelect: (seriesInstanceUid: string) => void;
}

export function SeriesList({ studyInstanceUid, series, selected, onSelect }: SeriesListProps) {
  return (
    <ul className="series-list" aria-label="Series">
      {series.map((each) => (
        <li key={each.seriesInstanceUid}>
          <button
            type="button"
            aria-pressed={each.seriesInstanceUid === selected}
            title={each.description}
            onClick={() => onSelect(each.seriesInstanceUid)}
          >
            <Thumbnail
              url={`${seriesUrl({ studyInstanceUid, seriesInstanceUid: each.seriesInstanceUid })}/thumbnail?viewport=128,128`}
              fallback={each.modality}
            />
            <span className="series-text">
              <span className="first">
                <b>{each.modality}</b> {each.number !== undefined && `#${each.number}`}
                {each.instanceCount !== undefined && <span className="faint"> · {each.instanceCount}</span>}
              </span>
              <span className="second">{each.description ?? 'no description'}</span>
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
