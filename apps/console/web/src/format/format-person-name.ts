/** A DICOM person name (`FAMILY^Given^Middle^Prefix^Suffix`) as "FAMILY, Given Middle"; the first component group counts. */
export function formatPersonName(name: string | null | undefined): string {
  const groups = (name ?? '').split('=').map((group) => group.trim());
  const chosen = groups.find((group) => group !== '') ?? '';
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = chosen.split('^').map((part) => part.trim());
  const rest = [prefix, given, middle, suffix].filter((part) => part !== '').join(' ');
  if (family === '' && rest === '') return '(no name)';
  if (family === '') return rest;
  return rest === '' ? family.toUpperCase() : `${family.toUpperCase()}, ${rest}`;
}
