import type { DicomJson } from '#libs/dicom';
import { dot, frameGeometries, sliceNormal, type FrameGeometry } from './frame-geometry.js';
import type { StackInput, VolumeInput } from './manifest.js';
import type { Candidate } from './candidate.js';
import { isColour, photometric } from './photometric.js';

/** Slices with a place in space, one by one or as one array. */
type SlicesInput = StackInput | VolumeInput;

/** The patient axis (x left, y back, z up; PS3.3 C.7.6.2.1.1) that the slices cut across. */
const axes = { sagittal: [1, 0, 0], coronal: [0, 1, 0], axial: [0, 0, 1] } as const;
/** Gantry tilt up to 30 degrees counts as axial; beyond it is another plane. */
const cosineMin = Math.cos((30 * Math.PI) / 180);
/** Of the median distance: positions are written with two or three digits, so half a tenth is rounding, and a gap is at least one. */
const spacingTolerance = 0.1;

/**
 * A stack of parallel, evenly spaced, equally sized slices without gaps, in the order of the patient axis (axial: feet to head).
 * Slices of a series that disagree make it unsuitable, never a smaller volume.
 */
export function selectVolume(spec: SlicesInput, seriesInstanceUid: string, instances: DicomJson[]): Candidate {
  const slices: FrameGeometry[] = [];
  for (const instance of instances) {
    if (isColour(instance))
      return { unsuitable: `PhotometricInterpretation is ${photometric(instance)}, grey slices are needed` };
    const geometry = frameGeometries(instance);
    if (typeof geometry === 'string') return { unsuitable: geometry };
    if (slices.length + geometry.length > spec.slices.atMost)
      return { unsuitable: `more than ${spec.slices.atMost} slices` };
    slices.push(...geometry);
  }
  if (slices.length < spec.slices.atLeast)
    return { unsuitable: `${slices.length} slices, at least ${spec.slices.atLeast} are needed` };

  const ordered = orderSlices(spec, slices);
  if ('unsuitable' in ordered) return ordered;
  const uids = new Set(ordered.slices.map((slice) => slice.sopInstanceUid));
  const byUid = new Map(ordered.slices.map((slice) => [slice.sopInstanceUid, slice.instance]));
  return {
    input: {
      seriesInstanceUid,
      instances: [...uids].map((uid) => byUid.get(uid)!),
      frames: ordered.slices.map(({ sopInstanceUid, frameNumber }) => ({ sopInstanceUid, frameNumber })),
      bulkData: [],
    },
    size: slices.length,
  };
}

function orderSlices(spec: SlicesInput, slices: FrameGeometry[]): { slices: FrameGeometry[] } | { unsuitable: string } {
  const first = slices[0]!;
  const normal = sliceNormal(first);
  const orientation = spec.orientation ?? nearestPlane(normal);
  const along = dot(normal, [...axes[orientation]]);
  if (spec.orientation && Math.abs(along) < cosineMin) return { unsuitable: `the slices are not ${spec.orientation}` };
  const { pixelSpacing } = spec;
  const outside =
    pixelSpacing && first.pixelSpacing.find((one) => one < pixelSpacing.atLeast || one > pixelSpacing.atMost);
  if (pixelSpacing && outside !== undefined)
    return {
      unsuitable: `PixelSpacing is ${outside} mm, ${pixelSpacing.atLeast} to ${pixelSpacing.atMost} mm are needed`,
    };
  for (const slice of slices) {
    if (slice.rows !== first.rows || slice.columns !== first.columns)
      return { unsuitable: 'slices of different sizes' };
    if (dot(sliceNormal(slice), normal) < 0.999) return { unsuitable: 'slices that are not parallel' };
    if (slice.pixelSpacing.some((spacing, index) => Math.abs(spacing / first.pixelSpacing[index]! - 1) > 0.001))
      return { unsuitable: 'slices of different pixel spacing' };
  }

  const sign = along < 0 ? -1 : 1;
  const placed = slices.map((slice) => ({ slice, at: sign * dot(slice.position, normal) })).sort((a, b) => a.at - b.at);
  const distances = placed.slice(1).map(({ at }, index) => at - placed[index]!.at);
  const median = distances.toSorted((a, b) => a - b)[Math.floor(distances.length / 2)]!;
  const same = distances.findIndex((distance) => distance < 0.001 || distance < 0.2 * median);
  if (same !== -1)
    return {
      unsuitable: `two slices at the same position (${placed[same]!.at.toFixed(1)} mm): several scans in one series`,
    };
  if (median < spec.sliceSpacing.atLeast || median > spec.sliceSpacing.atMost)
    return {
      unsuitable: `slices are ${median.toFixed(2)} mm apart, ${spec.sliceSpacing.atLeast} to ${spec.sliceSpacing.atMost} mm are needed`,
    };
  const gap = distances.findIndex((distance) => Math.abs(distance - median) > spacingTolerance * median);
  if (gap !== -1)
    return {
      unsuitable: `a gap between slices at ${placed[gap]!.at.toFixed(1)} mm (${distances[gap]!.toFixed(2)} mm instead of ${median.toFixed(2)} mm)`,
    };
  const voxels = placed.length * first.rows * first.columns;
  if (spec.kind === 'volume' && voxels > spec.voxels.atMost)
    return {
      unsuitable: `${placed.length} slices of ${first.columns} x ${first.rows} are ${voxels} voxels, at most ${spec.voxels.atMost} are taken`,
    };
  const extent = placed.at(-1)!.at - placed[0]!.at;
  if (extent < spec.extent.atLeast)
    return { unsuitable: `the slices cover ${extent.toFixed(0)} mm, at least ${spec.extent.atLeast} mm are needed` };
  return { slices: placed.map(({ slice }) => slice) };
}

function nearestPlane(normal: readonly number[]): keyof typeof axes {
  const [x, y, z] = normal.map(Math.abs) as [number, number, number];
  return z >= x && z >= y ? 'axial' : y >= x ? 'coronal' : 'sagittal';
}
