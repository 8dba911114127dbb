import { type DataSource, execute } from '#libs/database';

const writeEveryMilliseconds = 60_000;
const packsMax = 20_000;

/** Remembers which packs are read, and writes it down once a minute: policies ask for what nobody looks at any more. */
export class NoteReads {
  private readonly read = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly db: DataSource) {}

  note(packId: string): void {
    if (this.read.size < packsMax) this.read.add(packId);
    this.timer ??= setTimeout(() => void this.write(), writeEveryMilliseconds).unref();
  }

  /** To the hour: a pack that is read all day is written once an hour. */
  async write(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.read.size === 0) return;
    const packs = [...this.read];
    this.read.clear();
    await execute(
      this.db,
      `update pack set last_read_at = now()
        where pack_id = any($1) and (last_read_at is null or last_read_at < now() - interval '1 hour')`,
      [packs],
    ).catch(() => undefined); // the next reads tell it again
  }
}
