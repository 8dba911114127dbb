import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time in these, whatever its own clock. */
const ticksASecond = 100;

/** Processor seconds of a process and all its descendants, with those that have ended and were waited for. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const { fields } of familyOf(pids)) for (const field of fields.slice(11, 15)) ticks += Number(field);
  return ticks / ticksASecond;
}

/** Proportional set size of a process and all its descendants, MiB: what they share is counted once. */
export function pssMebibytes(pids: readonly number[]): number {
  let kibibytes = 0;
  for (const { pid } of familyOf(pids)) {
    const text = readOrUndefined(`/proc/${pid}/smaps_rollup`);
    kibibytes += Number(/^Pss: +(\d+)/m.exec(text ?? '')?.[1] ?? 0);
  }
  return kibibytes / 1024;
}

interface Process {
  pid: number;
  /** Of /proc/pid/stat, from the state on. */
  fields: string[];
}

function familyOf(pids: readonly number[]): Process[] {
  const processes = new Map<number, Process>();
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const text = readOrUndefined(`/proc/${entry}/stat`);
    if (text === undefined) continue;
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const pid = Number(entry);
    const parent = Number(fields[1]);
    processes.set(pid, { pid, fields });
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const family = new Map<number, Process>();
  const open = [...pids];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    const one = processes.get(pid);
    if (one === undefined || family.has(pid)) continue;
    family.set(pid, one);
    open.push(...(children.get(pid) ?? []));
  }
  return [...family.values()];
}

/** A process may end while it is looked at. */
function readOrUndefined(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
