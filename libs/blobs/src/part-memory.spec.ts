import { describe, expect, it } from '@jest/globals';
import { givePartBack, takePart, usualPartBytes } from './part-memory.js';

describe('the memory of parts', () => {
  it('is used again, and by one at a time', () => {
    const part = takePart(usualPartBytes);
    expect(takePart(usualPartBytes)).not.toBe(part);
    givePartBack(part);
    expect(takePart(usualPartBytes)).toBe(part);
    expect(takePart(usualPartBytes)).not.toBe(part);
  });

  it('is not kept where it is of another size, nor beyond what two uploads use', () => {
    const large = takePart(usualPartBytes + 1);
    expect(large.length).toBe(usualPartBytes + 1);
    givePartBack(large);
    const parts = Array.from({ length: 20 }, () => takePart(usualPartBytes));
    expect(parts).not.toContain(large);
    for (const part of parts) givePartBack(part);
    const again = Array.from({ length: 20 }, () => takePart(usualPartBytes));
    expect(again.filter((part) => parts.includes(part))).toHaveLength(6);
  });
});
