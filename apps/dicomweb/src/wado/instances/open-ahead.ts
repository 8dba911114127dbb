import type { Readable } from 'node:stream';

/**
 * Opens things in order, some of them before their turn: while one instance goes out, the next are being decoded.
 * @param ahead how many besides the one whose turn it is
 * @param open its failure is the iteration's when its turn comes; what is open by then is closed
 */
export async function* openAhead<Item, Opened extends { body: Readable }>(
  items: Iterable<Item>,
  ahead: number,
  open: (item: Item) => Promise<Opened>,
): AsyncGenerator<Opened> {
  const opening: Promise<Opened>[] = [];
  try {
    for (const item of items) {
      const opened = open(item);
      // Heard when its turn comes, which may be later.
      opened.catch(() => undefined);
      opening.push(opened);
      if (opening.length > ahead) yield await opening.shift()!;
    }
    while (opening.length > 0) yield await opening.shift()!;
  } finally {
    for (const opened of opening) {
      opened.then(
        ({ body }) => body.destroy(),
        () => undefined,
      );
    }
  }
}
