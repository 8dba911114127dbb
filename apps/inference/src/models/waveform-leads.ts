import type { DicomJson } from '#libs/dicom';
import { items, text } from './read-attributes.js';

export type Lead = 'I' | 'II' | 'III' | 'aVR' | 'aVL' | 'aVF' | 'V1' | 'V2' | 'V3' | 'V4' | 'V5' | 'V6';

/** Lead numbers of ISO/IEEE 11073-10102 and EN 1064 (SCP-ECG), which agree: DICOM CID 3001 writes them 2:n (MDC) or 5.6.3-9-n (SCPECG). */
const leadNumbers: Record<number, Lead> = {
  1: 'I',
  2: 'II',
  3: 'V1',
  4: 'V2',
  5: 'V3',
  6: 'V4',
  7: 'V5',
  8: 'V6',
  61: 'III',
  62: 'aVR',
  63: 'aVL',
  64: 'aVF',
};

/** Limb leads from I and II, by Einthoven and Goldberger. */
export const derivedLeads: Partial<Record<Lead, { I: number; II: number }>> = {
  III: { I: -1, II: 1 },
  aVR: { I: -0.5, II: -0.5 },
  aVL: { I: 1, II: -0.5 },
  aVF: { I: -0.5, II: 1 },
};

/** Which standard lead a channel is (an item of Channel Definition Sequence), by its source code; undefined for any other. */
export function channelLead(channel: DicomJson): Lead | undefined {
  const source = items(channel, 'ChannelSourceSequence')[0];
  if (!source) return undefined;
  const scheme = text(source, 'CodingSchemeDesignator');
  const value = text(source, 'CodeValue') ?? '';
  const pattern = scheme === 'MDC' ? /^2:(\d+)$/ : scheme === 'SCPECG' ? /^5\.6\.3-9-(\d+)$/ : undefined;
  const number = pattern?.exec(value)?.[1];
  return number === undefined ? undefined : leadNumbers[Number(number)];
}

/** Whether `lead` can be had from these channels. */
export function hasLead(lead: Lead, present: ReadonlySet<Lead>): boolean {
  return present.has(lead) || (derivedLeads[lead] !== undefined && present.has('I') && present.has('II'));
}
