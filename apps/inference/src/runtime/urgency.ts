import type { Priority } from '../models/model.js';

export type { Priority } from '../models/model.js';

/** Greater goes first; HIGH passes whatever waits. */
export const urgencyOf: Record<Priority, number> = { HIGH: 2, MEDIUM: 1, LOW: 0 };
