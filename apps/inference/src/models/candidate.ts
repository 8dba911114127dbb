import type { ModelInput } from './model.js';

/** What one series offers: an input with a size to compare by (larger is better), or why not. */
export type Candidate = { input: ModelInput; size: number } | { unsuitable: string };
