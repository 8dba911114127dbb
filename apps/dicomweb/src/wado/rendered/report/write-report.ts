import { type DicomJson, jsonItems, jsonText } from '#libs/dicom';
import { dateTime, personName, readReport, type ReportItem, type ReportReference } from './read-report.js';

/**
 * A structured report as a page (PS3.18 10.4.1.1.3, text): who, when, whether it is complete and verified, then its
 * content tree, groups of measurements as tables.
 *
 * @param urlOf the address of a referenced object, where it is in this archive's reach
 */
export function writeReport(dataset: DicomJson, urlOf: (reference: ReportReference) => string | undefined): string {
  const root = readReport(dataset);
  const title = root.name || 'Structured report';
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>${escape(title)}</title><style>${style}</style></head><body><main><h1>${escape(title)}</h1>` +
    `${writeHead(dataset)}${writeItems(root.items, 2, urlOf)}</main></body></html>\n`
  );
}

const style = `
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0;background:Canvas;color:CanvasText}
main{max-width:52rem;margin:0 auto;padding:1.5rem}h1{font-size:1.6rem;margin:0 0 .75rem}
h2,h3,h4,h5,h6{margin:1.2rem 0 .3rem;font-size:1.05rem}h2{font-size:1.25rem;border-bottom:1px solid #8886;padding-bottom:.15rem}
.head{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;padding:.75rem 1rem;border:1px solid #8886;border-radius:.4rem;margin:0 0 1rem}
dt{opacity:.7}dd{margin:0}.item{margin:.25rem 0}.name{opacity:.75}.text{white-space:pre-wrap}
.inner{margin-left:1.1rem;padding-left:.7rem;border-left:2px solid #8884}
table{border-collapse:collapse;margin:.4rem 0;width:100%}td,th{text-align:left;padding:.2rem .6rem;border-bottom:1px solid #8884;vertical-align:top}
td.value{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
@media print{main{max-width:none;padding:0}}`;

function writeHead(dataset: DicomJson): string {
  const observer = jsonItems(dataset, '0040A073')[0];
  const isVerified = jsonText(dataset, '0040A493') === 'VERIFIED';
  const verified = observer && [
    personName(observer, '0040A075'),
    jsonText(observer, '0040A027'),
    dateTime(jsonText(observer, '0040A030')),
  ];
  const state = [jsonText(dataset, '0040A491')?.toLowerCase(), isVerified ? 'verified' : 'not verified'];
  const rows: [string, (string | undefined)[]][] = [
    ['Patient', [personName(dataset, '00100010'), jsonText(dataset, '00100020')]],
    ['Born', [dateTime(jsonText(dataset, '00100030'))]],
    ['Sex', [jsonText(dataset, '00100040')]],
    ['Study', [dateTime(jsonText(dataset, '00080020')), jsonText(dataset, '00081030'), jsonText(dataset, '00080050')]],
    ['Written', [dateTime(`${jsonText(dataset, '00080023') ?? ''}${jsonText(dataset, '00080033') ?? ''}`)]],
    ['Institution', [jsonText(dataset, '00080080')]],
    ['State', jsonText(dataset, '0040A491') || jsonText(dataset, '0040A493') ? state : []],
    ['Verified by', verified ?? []],
  ];
  const written = rows.flatMap(([label, parts]) => {
    const text = parts.filter((part) => part !== undefined && part !== '').join(', ');
    return text === '' ? [] : `<dt>${escape(label)}</dt><dd>${escape(text)}</dd>`;
  });
  return written.length === 0 ? '' : `<dl class="head">${written.join('')}</dl>`;
}

type UrlOf = (reference: ReportReference) => string | undefined;

/** Neighbouring numbers make a table, neighbouring references of one name a line; everything else stands by itself. */
function writeItems(items: readonly ReportItem[], level: number, urlOf: UrlOf): string {
  let html = '';
  for (let at = 0; at < items.length;) {
    const end = endOfGroup(items, at);
    const group = items.slice(at, end);
    if (group.length === 1) html += writeItem(group[0]!, level, urlOf);
    else if (group[0]!.kind === 'number')
      html += `<table>${group.map((item) => writeRow(item, level, urlOf)).join('')}</table>`;
    else html += writeReferences(group, urlOf);
    at = end;
  }
  return html;
}

/** Where the items that stand together with the one at `at` end. */
function endOfGroup(items: readonly ReportItem[], at: number): number {
  const { kind, name } = items[at]!;
  const belongs = (item: ReportItem): boolean =>
    item.kind === kind &&
    (kind === 'number' || (kind === 'reference' && item.name === name && item.items.length === 0));
  let end = at;
  while (end < items.length && belongs(items[end]!)) end += 1;
  return Math.max(end, at + 1);
}

function writeReferences(group: readonly ReportItem[], urlOf: UrlOf): string {
  const name = group[0]!.name;
  const links = group.map((item) => writeValue(item, urlOf)).join(' · ');
  return `<div class="item">${name === '' ? '' : `<span class="name">${escape(name)}:</span> `}${links}</div>`;
}

function writeRow(item: ReportItem, level: number, urlOf: UrlOf): string {
  const more = item.items.length === 0 ? '' : `<div class="inner">${writeItems(item.items, level, urlOf)}</div>`;
  return `<tr><td>${escape(item.name)}${more}</td><td class="value">${escape(withUnit(item))}</td></tr>`;
}

function writeItem(item: ReportItem, level: number, urlOf: UrlOf): string {
  const inner = item.items.length === 0 ? '' : writeItems(item.items, Math.min(level + 1, 6), urlOf);
  if (item.kind === 'container') {
    const heading = item.name === '' ? '' : `<h${level}>${escape(item.name)}</h${level}>`;
    return `<section>${heading}${level > 2 ? `<div class="inner">${inner}</div>` : inner}</section>`;
  }
  const name = item.name === '' ? '' : `<span class="name">${escape(item.name)}:</span> `;
  const block = inner === '' ? '' : `<div class="inner">${inner}</div>`;
  return `<div class="item">${name}${writeValue(item, urlOf)}${block}</div>`;
}

function writeValue(item: ReportItem, urlOf: UrlOf): string {
  const url = item.reference && urlOf(item.reference);
  if (url !== undefined) return `<a href="${escape(url)}" rel="noreferrer">${escape(item.value)}</a>`;
  if (item.reference) return `${escape(item.value)} <small>${escape(item.reference.sopInstanceUid)}</small>`;
  return `<span class="text">${escape(withUnit(item))}</span>`;
}

const withUnit = ({ value, unit }: ReportItem): string => (unit === undefined ? value : `${value} ${unit}`);

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character]!);
}
