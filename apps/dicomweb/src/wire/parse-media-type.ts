/** A media type with its parameters (RFC 9110 8.3.1), names in lower case, quotes taken off. */
export interface MediaType {
  type: string;
  parameters: ReadonlyMap<string, string>;
}

/** @param field e.g. `multipart/related; type="application/dicom"; boundary=x` @returns undefined for what is no media type */
export function parseMediaType(field: string): MediaType | undefined {
  const [, type, rest = ''] = /^\s*([^\s;/]+\/[^\s;]+)\s*(.*)$/s.exec(field) ?? [];
  if (type === undefined) return undefined;
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, plain] of rest.matchAll(/;\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g)) {
    parameters.set(name.toLowerCase(), quoted === undefined ? (plain ?? '').trim() : quoted.replace(/\\(.)/g, '$1'));
  }
  return { type: type.toLowerCase(), parameters };
}
