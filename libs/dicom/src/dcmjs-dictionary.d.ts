// dcmjs ships no types. This is its data dictionary (PS3.6 and known private elements) as plain entries.
declare module 'dcmjs/dictionary' {
  /** Keys `(gggg,eeee)`, with ranges such as `(6000-60FF,3000)` and private creators such as `(0009,"ACUSON",00)`. */
  export const dictionary: Record<string, { tag: string; vr?: string; name: string; vm?: string; version?: string }>;
}
