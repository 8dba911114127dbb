/**
 * The keys of every object of a JSON text, in the order in which they stand there: what JSON.parse makes of them puts
 * keys that look like small integers first.
 */
export function objectKeys(text: string): string[][] {
  const all: string[][] = [];
  const open: (string[] | undefined)[] = [];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"\s*:?|[{}[\]]/g)) {
    if (token === '{') {
      const keys: string[] = [];
      all.push(keys);
      open.push(keys);
    } else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token.endsWith(':')) open.at(-1)?.push(JSON.parse(token.slice(0, -1).trimEnd()) as string);
  }
  return all;
}
