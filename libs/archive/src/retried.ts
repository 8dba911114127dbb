const triesMax = 4;

/** Another study's writer had the same UID first, two waited in a circle, or a row was written that refers to one that goes. */
export function isWorthAnotherTry(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === '23505' || code === '23503' || code === '40P01' || code === '40001';
}

/** Runs a transaction anew when it lost against another. @throws what the last try threw */
export async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (tries >= triesMax || !isWorthAnotherTry(error)) throw error;
    }
  }
}
