import { describe, expect, it } from '@jest/globals';
import type { Model } from '../models/model.js';
import { type Resident, ResidentNetworks } from './resident-networks.js';

const options = { executionProviders: ['cpu'], intraOpThreads: 1 };
const model = (name: string) => ({ sha256: name, networkSha256: name }) as Model;

function residents(bytesMax: number) {
  const events: string[] = [];
  const networks = new ResidentNetworks(bytesMax, async ({ sha256 }) => {
    events.push(`open ${sha256}`);
    if (sha256 === 'broken') throw new Error('broken');
    const session = { release: async () => void events.push(`release ${sha256}`) };
    return { session, bytes: 10, studies: 0, merging: 'no', infer: async () => ({}) } as unknown as Resident;
  });
  return { events, networks, use: (name: string) => networks.use(model(name), options, async () => name) };
}

describe('ResidentNetworks', () => {
  it('keeps networks within the budget, and lets the one go that was unused longest', async () => {
    const { events, use } = residents(20);
    for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) await use(name);
    expect(events).toEqual(['open a', 'open b', 'open c', 'release b', 'open b', 'release c']);
  });

  it('opens once what several ask for at once, and lets nothing go that is used', async () => {
    const { events, networks, use } = residents(10);
    await networks.use(model('a'), options, async () => {
      await Promise.all([use('a'), use('b'), use('b')]);
      expect(events).toEqual(['open a', 'open b', 'release b']);
    });
    await use('c');
    expect(events.slice(3)).toEqual(['open c', 'release a']);
    expect(networks.count).toBe(1);
  });

  it('tries again what could not be opened', async () => {
    const { events, networks, use } = residents(10);
    await expect(use('broken')).rejects.toThrow('broken');
    await expect(use('broken')).rejects.toThrow('broken');
    expect(events).toEqual(['open broken', 'open broken']);
    expect(networks.count).toBe(0);
  });
});
