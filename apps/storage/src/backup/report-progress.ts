const everyMilliseconds = 2_000;

/** Says on stderr how far it has come, every two seconds. */
export function reportProgress(): (progress: { packs: number; bytes: number; bytesInAll: number }) => void {
  let toldAt = performance.now();
  return ({ packs, bytes, bytesInAll }) => {
    const now = performance.now();
    if (now - toldAt < everyMilliseconds) return;
    toldAt = now;
    const percent = bytesInAll === 0 ? 100 : Math.floor((100 * bytes) / bytesInAll);
    console.error(`${percent} %: ${packs} packs, ${bytes} bytes, ${Math.max(0, bytesInAll - bytes)} left`);
  };
}
