import { SaxesParser } from 'saxes';
import { decimalValue } from './decimal-value.js';
import type { DicomJson, DicomJsonElement, PersonName } from './dicom-json.js';
import { tagVr } from './dictionary.js';
import { DicomError } from './errors.js';
import { numberBytes } from './read-numbers.js';
import { isPrivateTag } from './tags.js';

/** What must stay bounded while reading a document that anyone may have sent. */
export interface NativeXmlLimits {
  /** Of all text, in characters. */
  charactersMax: number;
  /** Nested sequences. */
  depthMax: number;
  /** Attributes, values and items together, those left out between numbered ones included. */
  nodesMax: number;
}

const defaultLimits: NativeXmlLimits = { charactersMax: 64 * 1024 ** 2, depthMax: 32, nodesMax: 4_000_000 };

interface Dataset {
  kind: 'dataset';
  elements: DicomJson;
  /** Blocks of private elements by group and creator, as far as they are known here (PS3.5 7.8.1). */
  blocks: Map<string, string>;
}

interface Attribute {
  kind: 'attribute';
  tag: string;
  vr: string;
  element: DicomJsonElement;
}

type Node =
  | Dataset
  | Attribute
  | { kind: 'value'; attribute: Attribute; number: number }
  | { kind: 'name'; attribute: Attribute; number: number; name: PersonName }
  | { kind: 'group'; group: keyof PersonName; components: string[]; name: PersonName }
  | { kind: 'component'; index: number; components: string[] }
  | { kind: 'binary'; element: DicomJsonElement }
  | { kind: 'empty' };

const groups = ['Alphabetic', 'Ideographic', 'Phonetic'] as const;
const components = ['FamilyName', 'GivenName', 'MiddleName', 'NamePrefix', 'NameSuffix'];

/** A whole document at once, see {@link NativeDicomXmlReader}. */
export function readNativeDicomXml(xml: string, limits?: Partial<NativeXmlLimits>): DicomJson {
  const reader = new NativeDicomXmlReader(limits);
  reader.write(xml);
  return reader.end();
}

/**
 * Reads a dataset in the Native DICOM Model (PS3.19 A.1) as its text comes, the inverse of `toNativeDicomXml`. Bounded;
 * documents with a DTD are refused, so that no entity is ever expanded but those of XML itself. Namespaces and prefixes
 * are not looked at: senders leave them out.
 */
export class NativeDicomXmlReader {
  private readonly parser = new SaxesParser();
  private readonly limits: NativeXmlLimits;
  private readonly stack: Node[] = [];
  private root: DicomJson | undefined;
  private text = '';
  private characters = 0;
  private nodes = 0;

  constructor(limits: Partial<NativeXmlLimits> = {}) {
    this.limits = { ...defaultLimits, ...limits };
    const { parser } = this;
    parser.on('error', (error) => {
      throw this.malformed(error.message.replace(/^\d+:\d+: /, ''));
    });
    parser.on('doctype', () => {
      throw this.malformed('a document type (DTD) has no place here');
    });
    parser.on('opentag', ({ name, attributes }) => this.open(localName(name), attributes));
    parser.on('text', (text) => this.addText(text));
    parser.on('cdata', (text) => this.addText(text));
    parser.on('closetag', () => this.close());
  }

  /** @throws DicomError 'malformed', 'invalid-value', 'limit-exceeded', with line and column */
  write(text: string): void {
    this.characters += text.length;
    if (this.characters > this.limits.charactersMax) {
      throw new DicomError('limit-exceeded', `The XML has more than ${this.limits.charactersMax} characters`);
    }
    this.parser.write(text);
  }

  end(): DicomJson {
    this.parser.close();
    if (this.root === undefined) throw this.malformed('there is no NativeDicomModel');
    return this.root;
  }

  private open(name: string, attributes: Record<string, string>): void {
    const parent = this.stack.at(-1);
    this.text = '';
    this.count(1);
    this.stack.push(this.node(name, attributes, parent));
    const sequences = this.stack.filter(({ kind }) => kind === 'dataset').length - 1;
    if (sequences > this.limits.depthMax) {
      throw new DicomError('limit-exceeded', `Sequences nest deeper than ${this.limits.depthMax}${this.place}`);
    }
  }

  private node(name: string, attributes: Record<string, string>, parent: Node | undefined): Node {
    if (parent === undefined) {
      if (name !== 'NativeDicomModel') throw this.malformed(`the document is a ${name}, not a NativeDicomModel`);
      const elements: DicomJson = {};
      this.root = elements;
      return { kind: 'dataset', elements, blocks: new Map() };
    }
    switch (parent.kind) {
      case 'dataset':
        if (name === 'DicomAttribute') return this.attribute(parent, attributes);
        break;
      case 'attribute':
        return this.content(name, attributes, parent);
      case 'name': {
        const group = groups.find((one) => one === name);
        if (group !== undefined) return { kind: 'group', group, components: [], name: parent.name };
        break;
      }
      case 'group': {
        const index = components.indexOf(name);
        if (index >= 0) return { kind: 'component', index, components: parent.components };
        break;
      }
      default:
    }
    throw this.malformed(`${name} has no place there`);
  }

  private attribute(dataset: Dataset, { tag: tagText = '', vr: vrText, privateCreator }: Record<string, string>): Node {
    const written = tagText.toUpperCase();
    if (!/^[0-9A-F]{8}$/.test(written)) {
      throw this.malformed(`the tag of an attribute has 8 hexadecimal digits, and is ${JSON.stringify(tagText)}`);
    }
    const tag = privateCreator === undefined ? written : this.privateTag(dataset, written, privateCreator);
    const vr = vrText ?? tagVr(tag) ?? 'UN';
    const element: DicomJsonElement = { vr };
    dataset.elements[tag] = element;
    return { kind: 'attribute', tag, vr, element };
  }

  /** The element of a private block; its creator is added where the document names it only here. */
  private privateTag({ elements, blocks }: Dataset, tag: string, creator: string): string {
    const group = tag.slice(0, 4);
    const isPrivate = isPrivateTag(tag);
    if (!isPrivate) return tag;
    const key = `${group} ${creator}`;
    const named = tag.slice(4, 6);
    const owner = elements[`${group}00${named}`]?.Value?.[0];
    const isTaken = owner !== undefined && owner !== creator;
    const block = named === '00' || isTaken ? (blocks.get(key) ?? findBlock(elements, group, creator)) : named;
    if (block === undefined) throw this.malformed(`no block of group ${group} is free for ${JSON.stringify(creator)}`);
    blocks.set(key, block);
    elements[`${group}00${block}`] ??= { vr: 'LO', Value: [creator] };
    return `${group}${block}${tag.slice(6)}`;
  }

  private content(name: string, attributes: Record<string, string>, attribute: Attribute): Node {
    const { element, vr, tag } = attribute;
    if (name === 'BulkData') {
      const uri = attributes['uri'] ?? attributes['uuid'];
      if (uri === undefined) throw this.malformed(`the BulkData of ${tag} has no uri`);
      element.BulkDataURI = uri;
      return { kind: 'empty' };
    }
    if (name === 'InlineBinary') return { kind: 'binary', element };
    const number = this.number(attributes['number'], element);
    if (name === 'Value') return { kind: 'value', attribute, number };
    if (name === 'PersonName' && vr === 'PN') return { kind: 'name', attribute, number, name: {} };
    if (name === 'Item' && vr === 'SQ') {
      const elements: DicomJson = {};
      this.put(attribute, number, elements);
      return { kind: 'dataset', elements, blocks: new Map() };
    }
    throw this.malformed(`${name} has no place in the attribute ${tag} of VR ${vr}`);
  }

  /** Values are numbered from 1; those without a number are in order. */
  private number(text: string | undefined, { Value = [] }: DicomJsonElement): number {
    if (text === undefined) return Value.length + 1;
    const number = /^\d{1,9}$/.test(text.trim()) ? Number(text) : 0;
    if (number < 1)
      throw this.malformed(`values are numbered from 1, and ${JSON.stringify(text.slice(0, 40))} is there`);
    this.count(Math.max(0, number - Value.length - 1));
    return number;
  }

  private put({ element }: Attribute, number: number, value: unknown): void {
    const values = (element.Value ??= []);
    while (values.length < number - 1) values.push(null);
    values[number - 1] = value;
  }

  private close(): void {
    const node = this.stack.pop()!;
    const { text } = this;
    this.text = '';
    switch (node.kind) {
      case 'value':
        this.put(node.attribute, node.number, this.value(node.attribute, text));
        break;
      case 'name':
        this.put(node.attribute, node.number, Object.keys(node.name).length > 0 ? node.name : null);
        break;
      case 'group': {
        const group = Array.from(node.components, (component) => component ?? '').join('^');
        if (group !== '') node.name[node.group] = group;
        break;
      }
      case 'component':
        node.components[node.index] = text.trim();
        break;
      case 'binary':
        if (text.trim() !== '') node.element.InlineBinary = text.replace(/\s+/g, '');
        break;
      case 'attribute':
        if (node.element.Value?.every((value) => value === null) === true) delete node.element.Value;
        break;
      default:
    }
  }

  private value({ tag, vr }: Attribute, text: string): unknown {
    if (vr === 'SQ' || vr === 'PN')
      throw this.malformed(`a plain Value has no place in the attribute ${tag} of VR ${vr}`);
    if (text === '') return null;
    if (vr === 'DS' || vr === 'IS') return decimalValue(text.trim());
    if (vr === 'AT') return text.trim().toUpperCase();
    if (numberBytes(vr) === undefined) return text;
    return this.numeric(tag, vr, text.trim());
  }

  /** As DICOM JSON has it: a number where one holds all of it, else the text. */
  private numeric(tag: string, vr: string, text: string): number | string {
    const number = Number(text);
    const isNumber = text !== '' && (!Number.isNaN(number) || text === 'NaN');
    if (!isNumber) {
      throw new DicomError('invalid-value', `${JSON.stringify(text.slice(0, 60))} is no value of VR ${vr}`, { tag });
    }
    const is64Bit = vr === 'SV' || vr === 'UV';
    if (!Number.isFinite(number)) return String(number);
    return is64Bit && !Number.isSafeInteger(number) ? text : number;
  }

  /** Only the text of elements that hold no others is of interest; between others stands layout. */
  private addText(text: string): void {
    const kind = this.stack.at(-1)?.kind;
    if (kind === 'value' || kind === 'component' || kind === 'binary') this.text += text;
    else if (text.trim() !== '')
      throw this.malformed(`the text ${JSON.stringify(text.trim().slice(0, 40))} stands there`);
  }

  private count(nodes: number): void {
    this.nodes += nodes;
    if (this.nodes > this.limits.nodesMax) {
      throw new DicomError('limit-exceeded', `The XML has more than ${this.limits.nodesMax} attributes and values`);
    }
  }

  private get place(): string {
    return ` [line ${this.parser.line}, column ${this.parser.column}]`;
  }

  private malformed(what: string): DicomError {
    return new DicomError('malformed', `The XML is no dataset in the Native DICOM Model: ${what}${this.place}`);
  }
}

function findBlock(elements: DicomJson, group: string, creator: string): string | undefined {
  let free: string | undefined;
  for (let block = 0x10; block <= 0xff; block += 1) {
    const name = block.toString(16).toUpperCase().padStart(2, '0');
    const element = elements[`${group}00${name}`];
    if (element?.Value?.[0] === creator) return name;
    if (element === undefined) free ??= name;
  }
  return free;
}

const localName = (name: string) => name.slice(name.indexOf(':') + 1);
