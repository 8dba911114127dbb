/** Upper bounds of the histograms, seconds: from what a model takes to what a routine reading may. */
export const bucketSeconds: readonly number[] = [
  5,
  15,
  30,
  60,
  120,
  300,
  900,
  1_800,
  3_600,
  14_400,
  43_200,
  86_400,
  259_200,
  Number.POSITIVE_INFINITY,
];
