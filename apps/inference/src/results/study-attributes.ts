import { type DicomJson, jsonText, uidFromHash } from '#libs/dicom';
import type { FetchedInput, Model, ModelOutput } from '../models/model.js';
import { text } from '../models/read-attributes.js';
import { codeItem, dataset, dateAndTime, dcm, patientAndStudy } from '#libs/reports';

/** What names a result: every UID of it follows from this, so that a run repeated after a crash makes the same objects. */
export function resultIdentity(
  studyInstanceUid: string,
  model: Pick<Model, 'id' | 'sha256'>,
  inputDigest: string,
): string {
  return `${studyInstanceUid}|${model.id}|${model.sha256}|${inputDigest}`;
}

/** Specimen module, for slides. */
const specimen = ['00400512', '00400513', '00400518', '00400560'];

/** What every result object that is an image or a presentation says: whose it is, who made it, of what. */
export function resultAttributes(
  kind: { name: string; sopClassUid: string; modality: string; seriesNumber: number; description: string },
  model: Model,
  task: Pick<FetchedInput, 'input' | 'inputDigest'>,
  finished: Pick<ModelOutput, 'runtime' | 'finishedAt'>,
): { attributes: DicomJson; sopInstanceUid: string; seriesInstanceUid: string } {
  const [first] = task.input.instances as [DicomJson];
  const studyInstanceUid = required(first, '0020000D');
  const identity = resultIdentity(studyInstanceUid, model, task.inputDigest);
  const sopInstanceUid = uidFromHash(`${kind.name}|${identity}`);
  const seriesInstanceUid = uidFromHash(`${kind.name}-series|${identity}`);
  const { date, time } = dateAndTime(new Date(finished.finishedAt));
  const isSlide = jsonText(first, '00080060') === 'SM';
  return {
    sopInstanceUid,
    seriesInstanceUid,
    attributes: {
      ...patientAndStudy(first),
      ...(isSlide && Object.fromEntries(specimen.flatMap((tag) => (first[tag] ? [[tag, first[tag]] as const] : [])))),
      ...dataset({
        SpecificCharacterSet: 'ISO_IR 192',
        SOPClassUID: kind.sopClassUid,
        SOPInstanceUID: sopInstanceUid,
        StudyInstanceUID: studyInstanceUid,
        SeriesInstanceUID: seriesInstanceUid,
        Modality: kind.modality,
        SeriesNumber: kind.seriesNumber,
        SeriesDescription: kind.description.slice(0, 64),
        SeriesDate: date,
        SeriesTime: time,
        InstanceNumber: 1,
        InstanceCreationDate: date,
        InstanceCreationTime: time,
        ContentDate: date,
        ContentTime: time,
        Manufacturer: 'Isocenter',
        ManufacturerModelName: model.id.slice(0, 64),
        DeviceSerialNumber: model.sha256.slice(0, 16),
        SoftwareVersions: [model.version, `${finished.runtime.name} ${finished.runtime.version}`],
        ContributingEquipmentSequence: [contributingEquipment(model, task.inputDigest, finished)],
        ReferencedSeriesSequence: referencedSeries(task.input.instances),
      }),
    },
  };
}

/** Everything needed to run it again; also in the report. */
export function algorithmParameters(
  model: Pick<Model, 'sha256' | 'networkSha256'>,
  inputDigest: string,
  { name, version, executionProvider }: ModelOutput['runtime'],
): string[] {
  return [
    `Model SHA-256: ${model.sha256}`,
    `Network SHA-256: ${model.networkSha256}`,
    `Input SHA-256: ${inputDigest}`,
    `Runtime: ${name} ${version}, ${executionProvider}`,
  ];
}

function contributingEquipment(
  model: Model,
  inputDigest: string,
  { runtime, finishedAt }: Pick<ModelOutput, 'runtime' | 'finishedAt'>,
): DicomJson {
  const { date, time } = dateAndTime(new Date(finishedAt));
  return dataset({
    PurposeOfReferenceCodeSequence: [codeItem(dcm('109102', 'Processing Equipment'))],
    Manufacturer: model.manifest.manufacturer,
    ManufacturerModelName: model.manifest.title,
    SoftwareVersions: model.version,
    ContributionDateTime: `${date}${time}`,
    ContributionDescription: algorithmParameters(model, inputDigest, runtime).join('; '),
  });
}

/** Common Instance Reference module: the instances read, by series. */
export function referencedSeries(instances: readonly DicomJson[]): DicomJson[] {
  const series = Map.groupBy(instances, (instance) => text(instance, 'SeriesInstanceUID') ?? '');
  return [...series].map(([uid, members]) =>
    dataset({ SeriesInstanceUID: uid, ReferencedInstanceSequence: members.map(referenceTo) }),
  );
}

export function referenceTo(instance: DicomJson): DicomJson {
  return dataset({
    ReferencedSOPClassUID: required(instance, '00080016'),
    ReferencedSOPInstanceUID: required(instance, '00080018'),
  });
}

export function required(of: DicomJson, tag: string): string {
  const value = jsonText(of, tag);
  if (value === undefined) throw new RangeError(`A source instance has no (${tag.slice(0, 4)},${tag.slice(4)})`);
  return value;
}
