import { RequestMethod, type Type } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { InferenceModule } from '../../apps/inference/src/inference.module.js';
import { DicomwebModule } from '../../apps/dicomweb/src/dicomweb.module.js';
import { openApiDocument } from '../../apps/dicomweb/src/capabilities/openapi/document.js';
import { RouterModule } from '../../apps/router/src/router.module.js';
import { StorageModule } from '../../apps/storage/src/storage.module.js';
import { ServerModule } from '../../libs/server/src/server.module.js';

const document = openApiDocument('http://archive.example');
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ route: `${method.toUpperCase()} ${path}`, path, operation })),
);

/** Every route that Nest registers for the modules of the suite, as OpenAPI writes paths. */
function registeredRoutes(): string[] {
  const seen = new Set<Type>();
  const visit = (module: Type): string[] => {
    if (typeof module !== 'function' || seen.has(module)) return [];
    seen.add(module);
    const imported = (Reflect.getMetadata('imports', module) ?? []) as Type[];
    const controllers = (Reflect.getMetadata('controllers', module) ?? []) as Type[];
    return [...imported.flatMap(visit), ...controllers.flatMap(routesOf)];
  };
  return [DicomwebModule, RouterModule, InferenceModule, StorageModule, ServerModule].flatMap(visit);
}

function routesOf(controller: Type): string[] {
  const prototype = controller.prototype as Record<string, object>;
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const method = Reflect.getMetadata('method', prototype[name]!) as RequestMethod | undefined;
    if (method === undefined) return [];
    const bases = [Reflect.getMetadata('path', controller) as string | string[]].flat();
    const paths = [Reflect.getMetadata('path', prototype[name]!) as string | string[]].flat();
    return bases.flatMap((base) =>
      paths.map((path) => `${RequestMethod[method]} ${toOpenApi([base, path].join('/'))}`),
    );
  });
}

/** `:name` is `{name}`, and what a star stands for is called `path`. */
function toOpenApi(path: string): string {
  const joined = `/${path.split('/').filter(Boolean).join('/')}`;
  return joined.replaceAll(/:(\w+)/g, '{$1}').replaceAll('*', '{path}');
}

describe('the OpenAPI document', () => {
  it('has every route that is registered, and no other', () => {
    const described = operations.map(({ route }) => route).sort();
    expect(described).toEqual(registeredRoutes().sort());
    // Not because nothing was found.
    expect(described.length).toBeGreaterThan(40);
  });

  it('refers only to what it has', () => {
    const refs = new Set(JSON.stringify(document).match(/#\/components\/\w+\/\w+/g));
    expect(refs.size).toBeGreaterThan(30);
    for (const found of refs) {
      const [, , kind, name] = found.split('/');
      expect([found, document.components[kind!]?.[name!] !== undefined]).toEqual([found, true]);
    }
  });

  it('names each operation once, declares the parts of its path, says what success and failure are', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { route, path, operation } of operations) {
      const parts = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = (operation.parameters ?? []).flatMap((one) =>
        'name' in one && one.in === 'path' ? [one.name] : [],
      );
      expect([route, declared]).toEqual([route, parts]);
      const statuses = Object.keys(operation.responses);
      expect([route, statuses.some((status) => status.startsWith('2'))]).toEqual([route, true]);
      expect([route, document.tags.some(({ name }) => operation.tags.includes(name))]).toEqual([route, true]);
      // Public routes ask for nothing; every other can answer 401.
      expect([route, statuses.includes('401') || operation.security?.length === 0]).toEqual([route, true]);
    }
  });
});
