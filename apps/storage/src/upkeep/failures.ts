import type { Logger } from '#libs/telemetry';

const failuresMax = 20;

/** Lets a run go on past what fails in it, up to a limit, and fail in the end, so that it is tried again. */
export class Failures {
  private readonly errors: Error[] = [];

  constructor(
    private readonly logger: Logger,
    private readonly signal: AbortSignal,
  ) {}

  /** Runs `work`; what it throws is logged and kept. @throws AggregateError once too much has failed; the signal's reason */
  async attempt(what: Record<string, unknown>, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.signal.throwIfAborted();
      this.logger.error({ err: error, ...what }, 'upkeep failed here and goes on');
      this.errors.push(error as Error);
      if (this.errors.length >= failuresMax) this.throwAny();
    }
  }

  /** @throws AggregateError when anything failed */
  throwAny(): void {
    if (this.errors.length === 0) return;
    const [first] = this.errors;
    throw new AggregateError(this.errors, `${this.errors.length} times upkeep failed; first: ${first!.message}`);
  }
}
