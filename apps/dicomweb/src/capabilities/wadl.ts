import type { Answer, Document, Operation, Parameter } from './openapi/operation.js';

/** An element of a WADL document. */
interface Element {
  name: string;
  attributes: Record<string, string>;
  children: Element[];
}

const prefix = '/dicom-web';
const namespace = 'http://wadl.dev.java.net/2009/02';

/**
 * The capabilities of the DICOMweb services (PS3.18 8.9, Annex H) as a WADL application, from the one description there
 * is of them.
 * @param dicomwebUrl of the services' root as the client sees it
 */
export function toWadl(document: Document, dicomwebUrl: string): Element {
  const resources = Object.entries(document.paths)
    .filter(([path]) => path.startsWith(`${prefix}/`))
    .map(([path, methods]) => toResource(path.slice(prefix.length + 1), methods, document));
  const base = { base: `${dicomwebUrl}/` };
  return element('application', { xmlns: namespace }, [element('resources', base, resources)]);
}

/** As `application/vnd.sun.wadl+xml`. */
export function wadlXml(application: Element): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${xml(application)}`;
}

/** As `application/json`: attributes with an at sign before their names, elements as arrays under theirs. */
export function wadlJson(application: Element): string {
  return JSON.stringify({ [application.name]: json(application) });
}

function toResource(path: string, methods: Document['paths'][string], document: Document): Element {
  const parts = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) =>
    element('param', { name: name!, style: 'template', required: 'true' }),
  );
  const operations = Object.entries(methods).map(([method, operation]) => toMethod(method, operation, document));
  return element('resource', { path }, [...parts, ...operations]);
}

function toMethod(method: string, operation: Operation, document: Document): Element {
  const parameters = (operation.parameters ?? [])
    .map((one) => resolve<Parameter>(one, document))
    .filter((one) => one.in !== 'path')
    .map((one) =>
      element('param', { name: one.name, style: one.in, ...(one.required === true && { required: 'true' }) }),
    );
  const request = element('request', {}, [...parameters, ...representations(operation.requestBody?.content)]);
  const responses = Object.entries(operation.responses).map(([status, answer]) =>
    element('response', { status }, representations(resolve<Answer>(answer, document).content)),
  );
  return element('method', { name: method.toUpperCase(), id: operation.operationId }, [request, ...responses]);
}

function representations(content: Answer['content'] = {}): Element[] {
  return Object.keys(content).map((mediaType) => element('representation', { mediaType }));
}

function resolve<T extends object>(one: T | { $ref: string }, document: Document): T {
  if (!('$ref' in one)) return one;
  const [kind, name] = one.$ref.split('/').slice(2);
  return document.components[kind!]![name!] as T;
}

function element(name: string, attributes: Record<string, string>, children: Element[] = []): Element {
  return { name, attributes, children };
}

function xml({ name, attributes, children }: Element): string {
  const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${escape(value)}"`);
  const head = `<${name}${given.join('')}`;
  return children.length === 0 ? `${head}/>` : `${head}>${children.map(xml).join('')}</${name}>`;
}

function json({ attributes, children }: Element): Record<string, unknown> {
  const members: Record<string, unknown> = Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [`@${key}`, value]),
  );
  for (const child of children) ((members[child.name] ??= []) as unknown[]).push(json(child));
  return members;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '"': '&quot;' };

function escape(text: string): string {
  return text.replaceAll(/[&<"]/g, (found) => entities[found]!);
}
