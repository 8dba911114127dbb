import type { ServerResponse } from 'node:http';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { DATABASE_URL, DataSource, Listener, query } from '#libs/database';
import { type Logger, LOGGER } from '#libs/telemetry';
import { EventStream } from './event-stream.js';
import { findWorklist } from './find-worklist.js';

export const clientsMax = 200;
/** Changes of one study within this are one event: a study being stored changes with every request. */
const gatherMilliseconds = 200;
/** More studies than this at once: clients read the list anew instead. */
const gatheredMax = 500;

/**
 * Tells open worklists what changed. Hears of changes from PostgreSQL, whichever process made them, reads the study's line
 * once and gives it to every client.
 */
@Injectable()
export class WorklistEvents implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly streams = new Set<EventStream>();
  private readonly changed = new Set<string>();
  private readonly listener: Listener;
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> = Promise.resolve();
  private mustReload = false;
  private isClosed = false;
  /** Distinguishes this process's numbering from the last one's: an id seen before a restart means nothing after it. */
  private readonly epoch = Date.now().toString(36);
  private sequence = 0;

  constructor(
    private readonly dataSource: DataSource,
    @Inject(DATABASE_URL) url: string,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.listener = new Listener(
      url,
      'worklist',
      (payload) => this.hear(payload),
      () => this.gatherAll(),
    );
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.listener.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    for (const stream of this.streams) stream.close();
    await this.listener.close();
    await this.flushing;
  }

  get isFull(): boolean {
    return this.streams.size >= clientsMax;
  }

  /** @param response hijacked from the server */
  open(response: ServerResponse): void {
    const stream = new EventStream(response, () => this.streams.delete(stream));
    this.streams.add(stream);
  }

  get numberOfClients(): number {
    return this.streams.size;
  }

  /** A study's UID; or, behind a word of its own, what happened to it beside. */
  private hear(payload: string): void {
    const escalated = /^escalation (.+)$/.exec(payload)?.[1];
    if (escalated !== undefined) this.tell('escalation', { studyInstanceUid: escalated });
    this.gather(escalated ?? payload);
  }

  private gather(studyInstanceUid: string): void {
    if (this.streams.size === 0 || this.mustReload) return;
    this.changed.add(studyInstanceUid);
    if (this.changed.size > gatheredMax) this.gatherAll();
    else this.schedule();
  }

  /** Changes were missed or are too many to name. */
  private gatherAll(): void {
    if (this.streams.size === 0) return;
    this.mustReload = true;
    this.changed.clear();
    this.schedule();
  }

  private schedule(): void {
    if (this.isClosed) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.flushing = this.flushing.then(() => this.flush());
    }, gatherMilliseconds);
  }

  private async flush(): Promise<void> {
    const uids = [...this.changed];
    this.changed.clear();
    const mustReload = this.mustReload;
    this.mustReload = false;
    if (mustReload) {
      this.tell('reload', {});
      return;
    }
    try {
      const { items } = await findWorklist(this.dataSource, { studyInstanceUid: uids }, { limit: uids.length });
      for (const item of items) this.tell('worklist', { studyInstanceUid: item.studyInstanceUid, item });
      // A study that was deleted has no line any more, and the lists that show it are to be read anew.
      if (items.length < uids.length && (await hasUnknown(this.dataSource, uids))) this.tell('reload', {});
    } catch (error) {
      // The database was away for a moment: the clients' lists may be stale now, and reading them anew is all it takes.
      this.logger.warn({ err: error }, 'worklist events');
      this.gatherAll();
    }
  }

  private tell(event: string, data: unknown): void {
    const id = `${this.epoch}-${++this.sequence}`;
    for (const stream of this.streams) stream.send(event, id, data);
  }
}

/** Whether one of the studies is not here. */
async function hasUnknown(db: DataSource, studyInstanceUids: string[]): Promise<boolean> {
  const rows = await query(
    db,
    `select from unnest($1::text[]) as u (study_instance_uid)
      where not exists (select from study s where s.study_instance_uid = u.study_instance_uid) limit 1`,
    [studyInstanceUids],
  );
  return rows.length > 0;
}
