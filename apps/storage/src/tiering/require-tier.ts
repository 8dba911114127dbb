import { HttpProblem } from '#libs/server';
import { type StoreRoom, TierTakesNothing } from './store-room.js';
import type { Tier } from './tiers.js';

/**
 * For an order: that something goes to the tier now.
 * @throws HttpProblem 400 where it has no store; 507 where all of its stores are full, 409 where they take nothing for other
 * reasons, with each store's in `stores`
 */
export async function requireTier(room: StoreRoom, tier: Tier, available: readonly Tier[]): Promise<void> {
  const reason = await room.whyNot(tier);
  if (reason === undefined) return;
  if (!(reason instanceof TierTakesNothing)) {
    throw new HttpProblem(400, 'A tier without a store', `${reason.message}; there are ${available.join(', ')}.`);
  }
  const detail = `${reason.message}. Nothing was ordered; see GET /api/storage/stores.`;
  const title = reason.isFull ? 'The tier is full' : 'The tier takes nothing';
  throw new HttpProblem(reason.isFull ? 507 : 409, title, detail, { stores: reason.refusals });
}
