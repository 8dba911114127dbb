const acronyms: Record<string, string> = { uid: 'UID', ai: 'AI', sop: 'SOP', id: 'ID', url: 'URL', sha256: 'SHA-256' };

/** A key of our API as words: `numberOfInstances` becomes "Number of instances". */
export function humanise(key: string): string {
  const words = key
    .replace(/[_-]+/g, ' ')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(' ')
    .map((word) => acronyms[word] ?? word);
  const text = words.join(' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
