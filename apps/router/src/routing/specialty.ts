import { jsonItems, jsonText } from '#libs/dicom';
import { matchSeries } from './match-study.js';
import type { SiteSpecialty } from './site-specialties.js';
import type { SeriesFacts, StudyFacts } from './study-facts.js';

/** A department of the worklist: radiology, cardiology, pathology, or one that a site has added. */
export type Specialty = string;

export interface SpecialtyChoice {
  specialty: Specialty;
  /** A sentence for people, naming what decided. */
  reason: string;
}

/** Slides and the photographs of microscopes. */
const pathologySopClasses = new Map([
  ['1.2.840.10008.5.1.4.1.1.77.1.2', 'VL Microscopic Image'],
  ['1.2.840.10008.5.1.4.1.1.77.1.3', 'VL Slide-Coordinates Microscopic Image'],
  ['1.2.840.10008.5.1.4.1.1.77.1.6', 'VL Whole Slide Microscopy Image'],
]);

/** Waveforms of the heart: ECG (12-lead, general, ambulatory, 32-bit), haemodynamics, electrophysiology. */
const heartWaveforms = new Map([
  ['1.2.840.10008.5.1.4.1.1.9.1.1', '12-lead ECG'],
  ['1.2.840.10008.5.1.4.1.1.9.1.2', 'General ECG'],
  ['1.2.840.10008.5.1.4.1.1.9.1.3', 'Ambulatory ECG'],
  ['1.2.840.10008.5.1.4.1.1.9.1.4', 'General 32-bit ECG'],
  ['1.2.840.10008.5.1.4.1.1.9.2.1', 'Hemodynamic Waveform'],
  ['1.2.840.10008.5.1.4.1.1.9.3.1', 'Cardiac Electrophysiology Waveform'],
]);

/** ECG, haemodynamics, electrophysiology, and what is done inside coronary vessels. */
const heartModalities = new Set(['ECG', 'HD', 'EPS', 'IVUS', 'IVOCT']);
/** Their pictures are the heart's only when the words say so, or when they come with the heart's own modalities. */
const mixedModalities = new Set(['XA', 'US']);

const coronaryWords =
  /\b(coronar\w*|koronar\w*|heart|cardiac|cardio\w*|kardio\w*|herz\w*|cath|cath ?lab|pci|ptca|ventriculogra\w*|lca|rca|lad|lcx)\b/;
const echoWords = /\b(echo|echocardio\w*|echokardio\w*|ecocardio\w*|tte|tee|heart|cardiac|herz\w*)\b/;

/**
 * Which department reads a study: the first whose matcher fits, where a site has said so; else by the series of images it
 * holds (reports and segmentations follow the images), by SOP class and modality first and by words where a modality
 * serves several. What nothing speaks for is radiology's.
 */
export function chooseSpecialty(study: StudyFacts, departments: readonly SiteSpecialty[] = []): SpecialtyChoice {
  for (const { name, title, matcher, level } of departments) {
    if (matcher === null) continue;
    const { matched, reason } = matchSeries(matcher, level, study);
    if (matched) return { specialty: name, reason: `It fits what the site says of ${title}: ${reason}` };
  }
  return specialtyOfImages(study);
}

function specialtyOfImages(study: StudyFacts): SpecialtyChoice {
  const sources = study.series.filter((series) => series.isSource);

  for (const series of sources) {
    const sopClass = series.sopClasses.map((uid) => pathologySopClasses.get(uid)).find((name) => name !== undefined);
    if (sopClass !== undefined) return { specialty: 'pathology', reason: `It holds ${sopClass} instances.` };
    if (modalityOf(series) === 'SM') return { specialty: 'pathology', reason: 'It holds slide microscopy (SM).' };
  }

  const ofTheHeart = sources.map((series) => heartReason(study, series));
  const reason = ofTheHeart.find((found) => found !== undefined);
  if (reason !== undefined) {
    // An ECG strip beside a CT does not make the CT a cardiologist's; cine of the cath lab beside its pressures is one.
    const other = sources.find(
      (series, index) => ofTheHeart[index] === undefined && !mixedModalities.has(modalityOf(series)),
    );
    if (other === undefined) return { specialty: 'cardiology', reason };
    return {
      specialty: 'radiology',
      reason: `${reason.replace(/\.$/, '')}, but also ${modalityOf(other) || 'images of no stated modality'}.`,
    };
  }

  const modalities = [...new Set(sources.map(modalityOf).filter((modality) => modality !== ''))];
  if (modalities.length === 0) return { specialty: 'radiology', reason: 'Nothing says otherwise.' };
  return { specialty: 'radiology', reason: `It holds ${modalities.join(', ')}, and nothing says otherwise.` };
}

function heartReason(study: StudyFacts, series: SeriesFacts): string | undefined {
  const waveform = series.sopClasses.map((uid) => heartWaveforms.get(uid)).find((name) => name !== undefined);
  if (waveform !== undefined) return `It holds ${waveform} instances.`;
  const modality = modalityOf(series);
  if (heartModalities.has(modality)) return `It holds the modality ${modality}.`;
  const words = wordsOf(study, series);
  const found = modality === 'XA' ? coronaryWords.exec(words) : modality === 'US' ? echoWords.exec(words) : null;
  return found === null ? undefined : `It holds ${modality} whose description says "${found[0]}".`;
}

function modalityOf(series: SeriesFacts): string {
  return series.modality.trim().toUpperCase();
}

/** What describes the study, its procedure (also by the meaning of its codes) and the series: lower case, without accents. */
function wordsOf(study: StudyFacts, series: SeriesFacts): string {
  const datasets = [study.attributes, series.attributes, series.sample ?? {}];
  const texts = [
    jsonText(study.attributes, '00081030'),
    ...['0008103E', '00181030', '00180015', '00321060', '00400254'].map((tag) =>
      datasets.map((dataset) => jsonText(dataset, tag)).find((text) => text !== undefined),
    ),
    ...datasets
      .flatMap((dataset) => ['00081032', '00321064'].flatMap((tag) => jsonItems(dataset, tag)))
      .map((code) => jsonText(code, '00080104')),
  ];
  return texts
    .filter((text) => text !== undefined)
    .join(' ')
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replaceAll('_', ' ')
    .toLowerCase();
}
