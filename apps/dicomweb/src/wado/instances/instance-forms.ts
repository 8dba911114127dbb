import type { InstanceRow } from '#libs/archive';
import { explicitLittleEndian, transferSyntaxOf } from '#libs/dicom';
import { type Acceptable, lastingOffers, negotiateAccept, type Representation } from '../../wire/negotiate-accept.js';

/** A form in which instances can be given. */
export interface InstanceForm extends Representation {
  mediaType: 'application/dicom' | 'application/zip';
  transferSyntaxUid: string;
}

/** An instance, and the transfer syntax its client gets it in. */
export interface ChosenInstance {
  row: InstanceRow;
  transferSyntaxUid: string;
}

export interface ChosenForm {
  mediaType: InstanceForm['mediaType'];
  isMultipart: boolean;
  instances: ChosenInstance[];
  /** Instances that cannot be had in any transfer syntax the client takes. */
  leftOut: InstanceRow[];
}

type Kind = Pick<InstanceForm, 'mediaType' | 'isMultipart'>;

const multipart: Kind = { mediaType: 'application/dicom', isMultipart: true };
const single: Kind = { mediaType: 'application/dicom', isMultipart: false };
const zip: Kind = { mediaType: 'application/zip', isMultipart: false };

/** Instances that cannot be had in one form, in the order of the forms asked for. */
export interface InstanceForms {
  /** Everything any of the instances can be had as; for 406. */
  possible: readonly InstanceForm[];
  /** undefined when nothing of it is acceptable. */
  chosen: ChosenForm | undefined;
}

/**
 * Chooses the form of the answer, then for each instance the transfer syntax, since a study can hold several.
 *
 * Where the client names no transfer syntax, it gets Explicit VR Little Endian (PS3.18 8.7.3.4): every client can read
 * that, and not each that asks for DICOM has a decoder for HTJ2K. What is compressed with loss stays as it is, as that
 * section permits: decoded it is larger and no better. `transfer-syntax=*`, and a zip file, mean the bytes as they were
 * stored, each one of them; implicit and big endian instances too, though PS3.18 8.7.3 has no use for these on the web:
 * who copies an archive wants what is in it, and who asks for any syntax has agreed to them.
 * @param rows not empty
 * @param isOne an instance is asked for, rather than the instances of a series or study
 * @param syntaxesOf what each can be given in, the preferred one first
 */
export function chooseForms(
  acceptable: Acceptable,
  rows: readonly InstanceRow[],
  isOne: boolean,
  syntaxesOf: (row: InstanceRow) => string[],
): InstanceForms {
  const kinds = isOne ? [multipart, single, zip] : [multipart, zip];
  // Most instances of a study are alike: what is offered and chosen is worked out once for each sort.
  const sorts = new Map<string, { syntaxes: string[]; stored: string; chosen?: string | undefined }>();
  const sortOf = rows.map((row) => {
    const key = `${row.transferSyntaxUid} ${row.frameKind}`;
    let sort = sorts.get(key);
    if (sort === undefined) sorts.set(key, (sort = { syntaxes: syntaxesOf(row), stored: row.transferSyntaxUid }));
    return sort;
  });
  const formsOfKinds = kinds.map((kind) =>
    [...sorts.values()].map(({ syntaxes, stored }) => formsOf(kind, syntaxes, stored)),
  );
  const possible =
    sorts.size === 1 ? lasting(`${isOne} ${keyOf(sortOf[0]!)}`, () => formsOfKinds.flat(2)) : formsOfKinds.flat(2);
  const kind = negotiateAccept(acceptable, possible);
  if (kind === undefined) return { possible, chosen: undefined };
  for (const sort of sorts.values()) {
    sort.chosen = negotiateAccept(acceptable, formsOf(kind, sort.syntaxes, sort.stored))?.transferSyntaxUid;
  }
  const { mediaType, isMultipart } = kind;
  const chosen: ChosenForm = { mediaType, isMultipart, instances: [], leftOut: [] };
  rows.forEach((row, index) => {
    const transferSyntaxUid = sortOf[index]!.chosen;
    if (transferSyntaxUid === undefined) chosen.leftOut.push(row);
    else chosen.instances.push({ row, transferSyntaxUid });
  });
  return { possible, chosen };
}

/** Whether the client also takes the instance as it is stored, in that form. */
export function takesStored(acceptable: Acceptable, kind: Kind, row: InstanceRow): boolean {
  return negotiateAccept(acceptable, formsOf(kind, [row.transferSyntaxUid], row.transferSyntaxUid)) !== undefined;
}

const keyOf = ({ syntaxes, stored }: { syntaxes: readonly string[]; stored: string }) =>
  `${stored}: ${syntaxes.join()}`;

/** Forms of what is asked for most: instances of one sort. */
const known = new Map<string, readonly InstanceForm[]>();
const knownMax = 500;

function lasting(key: string, make: () => InstanceForm[]): readonly InstanceForm[] {
  let forms = known.get(key);
  if (forms === undefined) {
    forms = lastingOffers(make());
    // Transfer syntaxes are what senders say they are.
    if (known.size >= knownMax) known.clear();
    known.set(key, forms);
  }
  return forms;
}

function formsOf(kind: Kind, syntaxes: string[], stored: string): readonly InstanceForm[] {
  const key = `${kind.mediaType} ${kind.isMultipart} ${keyOf({ syntaxes, stored })}`;
  return lasting(key, () => makeForms(kind, syntaxes, stored));
}

function makeForms({ mediaType, isMultipart }: Kind, syntaxes: string[], stored: string): InstanceForm[] {
  const keepsStored = mediaType === 'application/zip' || transferSyntaxOf(stored).lossy;
  const preferred = keepsStored ? stored : explicitLittleEndian;
  return syntaxes.map((transferSyntaxUid) => ({
    mediaType,
    isMultipart,
    transferSyntaxUid,
    isStored: transferSyntaxUid === stored,
    isDefault: transferSyntaxUid === preferred,
  }));
}
