/** ` Did you mean "BodyPartExamined"?`, or nothing when no word is near. */
export function suggestion(given: string, words: Iterable<string>): string {
  const wanted = given.toLowerCase();
  const distanceMax = Math.max(1, Math.floor(wanted.length / 4));
  let best: { word: string; distance: number } | undefined;
  for (const word of words) {
    const candidate = word.toLowerCase();
    // "BodyPart" is no typing error of "BodyPartExamined", but it is what somebody remembers of it.
    const isPart = wanted.length >= 4 && candidate.startsWith(wanted);
    const most = best?.distance ?? distanceMax + 1;
    if (isPart) {
      const distance = (candidate.length - wanted.length) / 100;
      if (distance < most) best = { word, distance };
    } else if (Math.abs(candidate.length - wanted.length) < most) {
      const distance = editDistance(wanted, candidate);
      if (distance < most) best = { word, distance };
    }
  }
  return best === undefined ? '' : ` Did you mean "${best.word}"?`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
