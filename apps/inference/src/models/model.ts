import type { DicomJson } from '#libs/dicom';
import type { Code } from '#libs/reports';
import type { ModelManifest } from './manifest.js';

/** One version of one model, as its folder `models/<specialty>/<name>/<version>/` says it. */
export interface Model {
  specialty: string;
  name: string;
  version: string;
  /** `<specialty>/<name>`, e.g. `radiology/lung-density`; with the version it names this model for good. */
  id: string;
  /**
   * Names this version in every result: it changes with any byte of model.json (thresholds among them) or model.onnx. Lower-case hex;
   * what `sha256sum model.json model.onnx | sha256sum` prints.
   */
  sha256: string;
  /** Of model.onnx alone. The runtime loads these bytes or none. */
  networkSha256: string;
  /** Absolute path of the version's folder. */
  directory: string;
  manifest: ModelManifest;
}

/** What one run reads of a study: chosen and put in order by `selectInput`, before anything is fetched. */
export interface ModelInput {
  seriesInstanceUid: string;
  /** Metadata (PS3.18 F.2) of the instances used, each once, in the order of `frames` (or the only waveform instance). */
  instances: DicomJson[];
  /** To fetch, in slice or tile order; empty for a waveform. Frame numbers count from 1. */
  frames: { sopInstanceUid: string; frameNumber: number }[];
  /** To fetch, e.g. waveform samples; empty where the metadata carries them inline. `54000100/0/54001010` reads: sequence, item index, element. */
  bulkData: { sopInstanceUid: string; tagPath: string }[];
}

/** The same input with its bytes on disk, fetched over WADO-RS: frames, a few a file, and a file for each bulk data value. */
export interface FetchedInput {
  input: ModelInput;
  /** SHA-256 over the input set, hex: with the model's digest it names what is made of it. */
  inputDigest: string;
  /** Where the pipeline may write, and leaves result objects; whoever fetched removes it. */
  directory: string;
  frameFiles: FrameFile[];
  bulkDataFiles: { sopInstanceUid: string; tagPath: string; file: string }[];
}

/** Where the bytes of a frame are. */
export interface FrameFile {
  sopInstanceUid: string;
  frameNumber: number;
  file: string;
  /** In the file; absent where it holds nothing else. */
  place?: { offset: number; length: number };
  transferSyntaxUid: string;
}

/** One measured value with its meaning, fit for a TID 1500 measurement. */
export interface Finding {
  /** What people call it, e.g. "Emphysema index". */
  name: string;
  code: Code;
  value: number;
  /** UCUM. */
  unit: Code;
  /** Of a class: what was chosen; `value` is its score. */
  category?: Code;
  /** Only where the manifest's triage says something of this measurement. */
  flag?: 'normal' | 'abnormal';
  /** The triage threshold it was compared with. */
  threshold?: number;
  /** Where it was taken. */
  site?: Code;
  /** What it is about. */
  finding?: Code;
  /** `frames` only where not all frames of the instance were read. */
  sourceInstances: { sopClassUid: string; sopInstanceUid: string; frames?: number[] }[];
}

export type Outcome = 'positive' | 'negative' | 'inconclusive';
export type Priority = 'HIGH' | 'MEDIUM' | 'LOW';

export interface ModelOutput {
  outcome: Outcome;
  /** What the manifest's triage rules give; LOW when they say nothing. */
  priority: Priority;
  /** One line for the worklist, e.g. "Emphysema index 12.4 % · lung volume 5.1 L". */
  summary: string;
  /** Empty when inconclusive: a number we do not trust is not shown. */
  findings: Finding[];
  /** What there is beside the report; none when inconclusive. */
  objects: ResultObject[];
  /** What the report says beside numbers. */
  details: ReportDetails;
  runtime: { name: 'onnxruntime-node'; version: string; executionProvider: string };
  /** ISO 8601, UTC. */
  startedAt: string;
  finishedAt: string;
}

/** A DICOM object that a run made, whole, in a file of the task's folder: to be stored with the report, which names it. */
export interface ResultObject {
  kind: 'segmentation' | 'heat-map' | 'drawing';
  file: string;
  sopClassUid: string;
  sopInstanceUid: string;
  seriesInstanceUid: string;
}

export interface ReportDetails {
  /** Places in time on the waveform, ms from its start. */
  annotations: { label: string; code: Code; milliseconds: number[] }[];
  /** In pixels of the image, from its top left corner. */
  boxes: { label: string; code: Code; score: number; corners: [number, number, number, number]; source: SourceFrame }[];
  /** Vectors, float32 little endian in base64. */
  embeddings: { label: string; length: number; base64: string }[];
  /** Of each label in a mask of pictures or slices, by its id: on the one that shows most of it. */
  outlines: Record<string, Region>;
  /** All of the picture that stands for those read: the only one, or the middle one. Undefined of a slide and of what is no picture. */
  whole: Region | undefined;
}

/** A line back to where it began, columns and rows from the top left corner of the picture, pixels (PS3.3 C.18.6.1.2). */
export interface Region {
  source: SourceFrame;
  points: [column: number, row: number][];
}

export interface SourceFrame {
  sopClassUid: string;
  sopInstanceUid: string;
  frame: number;
}

export const noDetails: ReportDetails = { annotations: [], boxes: [], embeddings: [], outlines: {}, whole: undefined };
