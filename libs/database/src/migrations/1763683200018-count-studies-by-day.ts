import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How many studies each day, month and year has, so that a page at a deep offset is found without walking to it; and the
 * order of results with the names in it, so that a walk for a name needs no rows.
 */
export class CountStudiesByDay1763683200018 implements MigrationInterface {
  name = 'CountStudiesByDay1763683200018';

  async up(runner: QueryRunner): Promise<void> {
    // Indexes are made over all studies there are, however long that takes.
    await runner.query(`set local statement_timeout = 0`);
    // Dates in the order of their characters whatever the locale: then those of a month stand together, whatever a
    // sender wrote for a date.
    await runner.query(`drop index ix_study_date`);
    await runner.query(`alter table study alter column study_date type text collate "C"`);
    await runner.query(`
      create index ix_study_date on study (study_date desc nulls last, study_key desc) include (patient_name)`);
    await createCounts(runner);
    await createPageFunction(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}

/**
 * Sums of years, of the months of a year and of the days of a month. No date counts as the empty one, which comes last,
 * too. Who stores adds a row of difference and waits for nobody; the sums are made later, one at a time, and whoever
 * reads adds up both in one statement, which sees either.
 */
async function createCounts(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create table study_count (
      level    smallint          not null,
      within   text collate "C"  not null,
      part     text collate "C"  not null,
      studies  bigint            not null,
      constraint pk_study_count primary key (level, within, part)
    )`);
  await runner.query(`
    create table study_count_change (
      study_date  text collate "C"  not null,
      studies     smallint          not null
    ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`);

  await runner.query(`
    create function note_study_count() returns trigger
      language plpgsql
      as $$
      begin
        if tg_op = 'UPDATE' and new.study_date is not distinct from old.study_date then
          return null;
        end if;
        if tg_op <> 'INSERT' then
          insert into study_count_change (study_date, studies) values (coalesce(old.study_date, ''), -1);
        end if;
        if tg_op <> 'DELETE' then
          insert into study_count_change (study_date, studies) values (coalesce(new.study_date, ''), 1);
        end if;
        return null;
      end
      $$`);
  await runner.query(`
    create trigger tr_study_count after insert or delete or update of study_date on study
      for each row execute function note_study_count()`);

  await runner.query(`
    create function study_count_part(study_date text, level integer) returns text
      language sql immutable strict parallel safe
      return case level when 0 then '' when 1 then left(study_date, 4) when 2 then left(study_date, 6) else study_date end`);
  // Only this writes the sums, one at a time: who comes second finds it done.
  await runner.query(`
    create function fold_study_counts() returns void
      language plpgsql
      as $$
      begin
        if not pg_try_advisory_xact_lock(hashtextextended('study_count', 0)) then
          return;
        end if;
        with taken as (delete from study_count_change returning study_date, studies)
        insert into study_count as c (level, within, part, studies)
        select l.level, study_count_part(t.study_date, l.level - 1), study_count_part(t.study_date, l.level),
               sum(t.studies)
          from taken t, generate_series(1, 3) l (level)
         group by 1, 2, 3
            on conflict on constraint pk_study_count do update set studies = c.studies + excluded.studies;
        delete from study_count where studies = 0;
      end
      $$`);
  await runner.query(`
    insert into study_count (level, within, part, studies)
    select l.level, study_count_part(d.study_date, l.level - 1), study_count_part(d.study_date, l.level), sum(d.studies)
      from (select coalesce(st.study_date, '') as study_date, count(*) as studies from study st group by 1) d,
           generate_series(1, 3) l (level)
     group by 1, 2, 3`);
}

/**
 * Keys of the studies behind so many others, newest first: the year that the first of them is of, its month, its day, and
 * there by the index. It sees what its statement sees (stable): counts and studies as of one moment.
 */
async function createPageFunction(runner: QueryRunner): Promise<void> {
  // Without sorting there is only the index, whatever the tables were like when the plan was made that is kept.
  await runner.query(`
    create function study_page(places bigint, wanted bigint) returns setof bigint
      language plpgsql stable rows 26
      set enable_sort = off
      as $$
      declare
        passed bigint := 0;
        place text := '';
        counted record;
        is_behind_all boolean;
      begin
        for depth in 1..3 loop
          is_behind_all := true;
          for counted in
            select c.part, sum(c.studies)::bigint as studies
              from (select n.part, n.studies from study_count n where n.level = depth and n.within = place
                    union all
                    select study_count_part(d.study_date, depth), d.studies from study_count_change d
                     where study_count_part(d.study_date, depth - 1) = place) c
             group by c.part order by c.part desc
          loop
            if passed + counted.studies > places then
              place := counted.part;
              is_behind_all := false;
              exit;
            end if;
            passed := passed + counted.studies;
          end loop;
          if is_behind_all then
            return;
          end if;
        end loop;
        return query
          select s.study_key
            from ((select st.study_date, st.study_key from study st where st.study_date <= place
                    order by st.study_date desc nulls last, st.study_key desc)
                  union all
                  (select st.study_date, st.study_key from study st where st.study_date is null
                    order by st.study_date desc nulls last, st.study_key desc)) s
           order by s.study_date desc nulls last, s.study_key desc
           limit wanted offset places - passed;
      end
      $$`);
}
