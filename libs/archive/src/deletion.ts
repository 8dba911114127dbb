/** recoverable: every byte and row is kept; restored: it is back; purged: what is left is this record. */
export type DeletionState = 'recoverable' | 'restored' | 'purged';

/** How a deletion ends, in words for people. */
export function endOf(row: { state: DeletionState; recoverable_until: Date }): string {
  return row.state === 'purged'
    ? 'it cannot be brought back any more'
    : `an administrator can bring it back until ${row.recoverable_until.toISOString()}`;
}
