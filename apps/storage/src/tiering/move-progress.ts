import { type DataSource, execute } from '#libs/database';

const writeEveryMilliseconds = 1_000;

/** Writes into the row of a move how far it has come, at most once a second. */
export class MoveProgress {
  private bytes = 0;
  private writtenAt = 0;

  constructor(
    private readonly db: DataSource,
    private readonly moveId: string,
  ) {}

  /** A copy under this key may be there from now on: no garbage, whatever its age. */
  async begun(store: string, key: string): Promise<void> {
    await execute(
      this.db,
      `update series_move set store = $2, key = $3, layout_digest = null, updated_at = now()
        where move_id = $1`,
      [this.moveId, store, key],
    );
  }

  async copied(bytes: number): Promise<void> {
    this.bytes += bytes;
    const now = Date.now();
    if (now - this.writtenAt < writeEveryMilliseconds) return;
    this.writtenAt = now;
    await execute(this.db, `update series_move set bytes_done = $2, updated_at = now() where move_id = $1`, [
      this.moveId,
      this.bytes,
    ]);
  }

  /** From here on: the bytes that are read back. */
  async verifying(): Promise<void> {
    this.bytes = 0;
    this.writtenAt = 0;
    await execute(
      this.db,
      `update series_move set state = 'verifying', bytes_done = 0, updated_at = now() where move_id = $1`,
      [this.moveId],
    );
  }
}
