import { Injectable } from '@nestjs/common';
import { DataSource, query } from '#libs/database';

export interface Choice {
  value: string;
  count: number;
}

/** What open studies can be filtered by, and how many there are of each. */
export type Choices = Record<'specialty' | 'modality' | 'bodyPart' | 'ai', Choice[]>;

/** Counting goes through all open studies; every open page asks, and is answered from here for so long. */
const keptMilliseconds = 10_000;
const choicesMax = 100;

@Injectable()
export class WorklistChoices {
  private kept: { at: number; choices: Promise<Choices> } | undefined;

  constructor(private readonly dataSource: DataSource) {}

  read(): Promise<Choices> {
    if (this.kept === undefined || performance.now() - this.kept.at > keptMilliseconds) {
      const choices = this.count();
      const kept = { at: performance.now(), choices };
      this.kept = kept;
      // What failed is asked again.
      choices.catch(() => {
        if (this.kept === kept) this.kept = undefined;
      });
    }
    return this.kept.choices;
  }

  private async count(): Promise<Choices> {
    const rows = await query<{ of: keyof Choices; value: string; count: number }>(
      this.dataSource,
      `with open as materialized (
         select specialty, ai_state, modalities, body_parts, count(*) as studies
           from worklist_entry where rank < 3 group by specialty, ai_state, modalities, body_parts)
       select "of", value, sum(studies)::integer as count
         from (select 'specialty' as "of", specialty as value, studies from open
               union all select 'ai', ai_state, studies from open
               union all select 'modality', m, studies from open cross join unnest(modalities) m
               union all select 'bodyPart', b, studies from open cross join unnest(body_parts) b) each
        where value is not null group by "of", value order by "of", value`,
    );
    const of = (name: keyof Choices) =>
      rows
        .filter((row) => row.of === name)
        .slice(0, choicesMax)
        .map(({ value, count }) => ({ value, count }));
    return { specialty: of('specialty'), modality: of('modality'), bodyPart: of('bodyPart'), ai: of('ai') };
  }
}
