import { type Area, type Behaviour, Mismatch, NotApplicable } from './behaviour.js';
import type { ConformanceServer } from './conformance-server.js';

export interface Outcome {
  id: string;
  area: Area;
  name: string;
  level: Behaviour['level'];
  source: string;
  result: 'pass' | 'fail' | 'skipped';
  /** Of what failed or was skipped: why. */
  why?: string;
  milliseconds: number;
}

/** Tries one behaviour. Any error of the check itself is a failure, too: nothing passes by accident. */
export async function tryBehaviour(behaviour: Behaviour, server: ConformanceServer): Promise<Outcome> {
  const { id, area, name, level, source, needs } = behaviour;
  const from = performance.now();
  const outcome = (result: Outcome['result'], why?: string): Outcome => ({
    id,
    area,
    name,
    level,
    source,
    result,
    ...(why !== undefined && { why }),
    milliseconds: Math.round(performance.now() - from),
  });
  try {
    const lack = needs === undefined ? undefined : await server.lacks(needs);
    if (lack !== undefined) return outcome('skipped', lack);
    await behaviour.check(server);
    return outcome('pass');
  } catch (error) {
    if (error instanceof NotApplicable) return outcome('skipped', error.message);
    return outcome('fail', error instanceof Mismatch ? error.message : (error as Error).stack);
  }
}

/** One after the other, because they look at what they stored. @param onOutcome is told of each as it ends */
export async function runBehaviours(
  behaviours: readonly Behaviour[],
  server: ConformanceServer,
  onOutcome: (outcome: Outcome) => void = () => undefined,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const behaviour of behaviours) {
    const outcome = await tryBehaviour(behaviour, server);
    outcomes.push(outcome);
    onOutcome(outcome);
  }
  return outcomes;
}
