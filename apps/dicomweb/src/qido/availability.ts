/**
 * Instance Availability (0008,0056) as SQL: NEARLINE when an instance has no copy on the hot or warm tier, else ONLINE.
 * While nothing at all is on the cold tier, which one look into an index tells, no instance is looked at.
 * @param condition which instances, of the table called `instance`
 */
export function availability(condition: string, instance = 'i'): string {
  return `case when exists (select from location l where l.tier = 'cold' and l.state = 'ready')
    and exists (
      select from instance ${instance} where ${condition}
        and exists (select from location l where l.pack_id = ${instance}.pack_id and l.tier = 'cold' and l.state = 'ready')
        and not exists (select from location l where l.pack_id = ${instance}.pack_id and l.tier <> 'cold' and l.state = 'ready')
    ) then 'NEARLINE' else 'ONLINE' end`;
}
