import { type DicomJson, numberOf, textOf } from '../dicom/dicom-json.js';
import { tag } from '../dicom/tags.js';

export type ViewerKind = 'stack' | 'slide' | 'waveform' | 'report' | 'document' | 'video' | 'unknown';

const slideStorage = '1.2.840.10008.5.1.4.1.1.77.1.6';
const waveformStorage = '1.2.840.10008.5.1.4.1.1.9.';
const reportStorage = '1.2.840.10008.5.1.4.1.1.88.';
const encapsulatedPdf = '1.2.840.10008.5.1.4.1.1.104.1';
/** MPEG-2, MPEG-4 and HEVC transfer syntaxes: .100 to .108. */
const videoSyntax = /^1\.2\.840\.10008\.1\.2\.4\.10[0-8](\.1)?$/;

/** How one instance can be shown, by its SOP class and whether it has pixels. */
export function chooseViewer(instance: DicomJson): ViewerKind {
  const sopClassUid = textOf(instance, tag.SOPClassUID) ?? '';
  if (sopClassUid === slideStorage) return 'slide';
  if (sopClassUid.startsWith(waveformStorage)) return 'waveform';
  if (sopClassUid.startsWith(reportStorage)) return 'report';
  if (sopClassUid === encapsulatedPdf) return 'document';
  if (videoSyntax.test(textOf(instance, tag.AvailableTransferSyntaxUID) ?? '')) return 'video';
  const hasPixels = numberOf(instance, tag.Rows) !== undefined && numberOf(instance, tag.Columns) !== undefined;
  return hasPixels ? 'stack' : 'unknown';
}

/** How a series is shown: as what most of its instances are. */
export function chooseSeriesViewer(instances: readonly DicomJson[]): ViewerKind {
  const counts = new Map<ViewerKind, number>();
  for (const instance of instances) {
    const kind = chooseViewer(instance);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 'unknown';
}
