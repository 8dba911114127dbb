import type { LoggerService } from '@nestjs/common';
import pino from 'pino';
import { standardOutput } from './log-lines.js';

/** Structured JSON lines on standard output. Never pass a dataset, a patient's name or pixels: ids only. */
export type Logger = pino.Logger;

/** Injection token of the process's {@link Logger}. */
export const LOGGER = Symbol('Logger');

/** @param level pino's level names, or 'silent' */
export function createLogger(app: string, level: string): Logger {
  return pino({ level, base: { app }, timestamp: pino.stdTimeFunctions.isoTime }, standardOutput());
}

/** Nest's own messages go the same way; its start-up chatter (one line a route) only when debugging. */
export function nestLogger(logger: Logger): LoggerService {
  const text = (message: unknown) => (message instanceof Error ? (message.stack ?? message.message) : String(message));
  return {
    log: (message: unknown, context?: string) => logger.debug({ context }, text(message)),
    error: (message: unknown, ...more: unknown[]) => logger.error({ context: more.at(-1) }, text(message)),
    warn: (message: unknown, context?: string) => logger.warn({ context }, text(message)),
    debug: (message: unknown, context?: string) => logger.debug({ context }, text(message)),
    verbose: (message: unknown, context?: string) => logger.trace({ context }, text(message)),
  };
}
