import type { FastifyInstance } from 'fastify';

/** The routes of this process, to tell a wrong method from a wrong path. */
export class RouteTable {
  private readonly patterns = new Map<string, { expression: RegExp; methods: Set<string> }>();

  /** Notes every route that is registered from now on. */
  constructor(fastify: FastifyInstance) {
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) this.add(one, url);
    });
  }

  private add(method: string, url: string): void {
    // What answers everything tells nothing.
    if (url === '*' || url === '/*') return;
    const pattern = this.patterns.get(url) ?? { expression: toExpression(url), methods: new Set() };
    pattern.methods.add(method);
    this.patterns.set(url, pattern);
  }

  /** @param path without a query. @returns the methods that it answers, sorted; none when there is no such path */
  allowed(path: string): string[] {
    const methods = new Set<string>();
    for (const pattern of this.patterns.values()) {
      if (!pattern.expression.test(path)) continue;
      for (const method of pattern.methods) methods.add(method);
    }
    if (methods.size > 0) methods.add('OPTIONS');
    return [...methods].sort();
  }
}

/** As the router reads patterns: `:name` is one segment, `*` the rest, and a slash at the end makes no difference. */
function toExpression(url: string): RegExp {
  const source = url
    .replace(/\/$/, '')
    .replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/:[A-Za-z]+/g, '[^/]+')
    .replaceAll('*', '.*');
  return new RegExp(`^${source}/?$`);
}
