import { seededRandom } from '../support/seeded-random.js';

/** What a made-up study is found by. It follows from its number alone, so that every answer can be checked. */
export interface BenchStudy {
  index: number;
  studyInstanceUid: string;
  patientId: string;
  patientName: string;
  studyDate: string;
  studyTime: string;
  accessionNumber: string;
  studyDescription: string;
  modality: string;
}

export const modalities = ['CT', 'MR', 'DX', 'US', 'MG'] as const;

const familyNames =
  'ABBOTT ADEYEMI ALVAREZ BAUER BIANCHI CHEN DIALLO DUBOIS ERIKSSON FISCHER GARCIA GUPTA HANSEN HUGHES IBRAHIM JANSEN KIM KOWALSKI LARSEN MARTIN MEYER MORI NGUYEN NOVAK OKAFOR PATEL PEREIRA ROSSI SATO SCHMIDT SILVA SMITH TANAKA TORRES URSU VARGA WAGNER WANG YILMAZ ZHANG'.split(
    ' ',
  );
const givenNames = 'ALEX ANNA BEN CARLA DAN EVA FINN GINA HUGO INES JAN KIRA LEO MIA NORA OTTO PIA RAY SARA TOM'.split(
  ' ',
);

/** 24 digits at most follow: a UID of the form 2.25.number holds up to 39. */
const tokenDigits = 12;

/** A number of its own for one run: nothing it stores is anybody else's. */
export function makeToken(seed: number): string {
  const digits = Math.floor(seededRandom(seed)() * 9e11) + 1e11;
  return String(digits).padStart(tokenDigits, '1').slice(0, tokenDigits);
}

export function benchStudy(token: string, index: number): BenchStudy {
  const random = seededRandom(index * 2654435761);
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)]!;
  const day = new Date(Date.UTC(2005, 0, 1) + Math.floor(random() * 7300) * 86_400_000);
  return {
    index,
    studyInstanceUid: studyUid(token, index),
    patientId: `B${token.slice(0, 4)}-${String(Math.floor(index / 2)).padStart(8, '0')}`,
    patientName: `${pick(familyNames)}^${pick(givenNames)}`,
    studyDate: day.toISOString().slice(0, 10).replaceAll('-', ''),
    studyTime: String(70_000 + Math.floor(random() * 10) * 10_000 + Math.floor(random() * 60) * 100).padStart(6, '0'),
    accessionNumber: `A${String(index).padStart(9, '0')}`,
    studyDescription: `${pick(['Head', 'Chest', 'Abdomen', 'Knee', 'Spine'])} ${pick(['routine', 'follow-up', 'acute'])}`,
    modality: pick(modalities),
  };
}

export const studyUid = (token: string, study: number) => `2.25.${token}${String(study).padStart(8, '0')}`;
export const seriesUid = (token: string, study: number, series: number) =>
  `${studyUid(token, study)}${String(series).padStart(3, '0')}`;
export const instanceUid = (token: string, study: number, series: number, instance: number) =>
  `${seriesUid(token, study, series)}${String(instance).padStart(6, '0')}`;
