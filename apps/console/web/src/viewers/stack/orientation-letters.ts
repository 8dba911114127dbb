/**
 * The patient's side a direction points to: L(eft)/R(ight), P(osterior)/A(nterior), H(ead)/F(eet), strongest first and
 * a second letter where the plane is tilted (PS3.3 C.7.6.1.1.1). The vector is in LPS.
 */
export function orientationLetters(vector: readonly number[]): string {
  const [x = 0, y = 0, z = 0] = vector;
  return [
    { size: Math.abs(x), letter: x > 0 ? 'L' : 'R' },
    { size: Math.abs(y), letter: y > 0 ? 'P' : 'A' },
    { size: Math.abs(z), letter: z > 0 ? 'H' : 'F' },
  ]
    .filter(({ size }) => size > 0.25)
    .sort((a, b) => b.size - a.size)
    .slice(0, 2)
    .map(({ letter }) => letter)
    .join('');
}

export interface EdgeLetters {
  left: string;
  right: string;
  top: string;
  bottom: string;
}

/** The letters at the four edges of a picture with this Image Orientation (Patient). */
export function edgeLetters(orientation: readonly number[]): EdgeLetters {
  const row = orientation.slice(0, 3);
  const column = orientation.slice(3, 6);
  const opposite = (vector: number[]) => vector.map((value) => -value);
  return {
    right: orientationLetters(row),
    left: orientationLetters(opposite(row)),
    bottom: orientationLetters(column),
    top: orientationLetters(opposite(column)),
  };
}
