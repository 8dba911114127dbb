/**
 * Results in the order of their tasks, a few of which run at a time.
 * @param atOnce how many; the results of as many are held
 */
export async function* inOrder<T>(tasks: AsyncIterable<() => Promise<T>>, atOnce: number): AsyncGenerator<T> {
  const running: Promise<T>[] = [];
  for await (const task of tasks) {
    const result = task();
    // A failure is told when its turn comes; until then nobody waits for it.
    result.catch(() => undefined);
    running.push(result);
    if (running.length >= atOnce) yield await running.shift()!;
  }
  while (running.length > 0) yield await running.shift()!;
}
