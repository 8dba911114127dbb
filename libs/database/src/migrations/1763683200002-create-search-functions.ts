import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What stands between the words of a name: blanks, ASCII punctuation, and that of other scripts. */
const between = String.raw`[\s!-/:-@\[-\x60{-~\u00a0\u00b7\u2010-\u2019\u3000-\u3002\u30fb]+`;

/** What stands within one word. */
const betweenParts = String.raw`[''.\x60\u2010-\u2019\u30fb-]+`;

/** Katakana and the Hiragana they are read as: phonetic groups come in either. */
const katakana = String.fromCodePoint(...Array.from({ length: 86 }, (_, at) => 0x30a1 + at));
const hiragana = String.fromCodePoint(...Array.from({ length: 86 }, (_, at) => 0x3041 + at));

/** What QIDO-RS matches with beyond plain columns: names that sound alike, and any attribute of the DICOM JSON kept. */
export class CreateSearchFunctions1763683200002 implements MigrationInterface {
  name = 'CreateSearchFunctions1763683200002';

  async up(runner: QueryRunner): Promise<void> {
    // The indexes are made over all studies there are, however long that takes.
    await runner.query(`set local statement_timeout = 0`);
    await requireExtension(runner, 'fuzzystrmatch');
    await createNameFunctions(runner);
    await createJsonFunctions(runner);

    await runner.query(`
      create index ix_study_name_words on study
        using gin (person_name_words(patient_name), person_name_words(referring_physician_name))`);
    await runner.query(`
      create index ix_study_referring_physician_name on study
        using gin (lower(referring_physician_name collate "und-x-icu") gin_trgm_ops)`);
    // Expressions have no statistics until their table is analyzed, and without them no index looks worth its while.
    await runner.query(`analyze study`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}

async function requireExtension(runner: QueryRunner, name: string): Promise<void> {
  const [available] = (await runner.query(`select from pg_available_extensions where name = $1`, [name])) as unknown[];
  if (available === undefined) {
    throw new Error(
      `This PostgreSQL does not have the extension ${name}, which searches for similar names need. It is part of PostgreSQL's own contrib package (postgresql-contrib): install that on the database server and start again.`,
    );
  }
  await runner.query(`create extension if not exists ${name}`);
}

/**
 * Fuzzy matching of person names (PS3.4 C.2.2.2.1.1) by one full-text index: a name's words without case and accents,
 * which queries match by their beginnings, and `#` with how each word sounds. In any order, in any component group. The
 * search path is fixed, because PostgreSQL empties it while it maintains or restores an index.
 */
async function createNameFunctions(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create function fold_person_name(name text) returns text
      language sql immutable strict parallel safe
      return translate(replace(replace(replace(replace(
        normalize(regexp_replace(normalize(lower(name collate "und-x-icu"), nfkd), '[\\u0300-\\u036f]', '', 'g'), nfkc),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), 'øłđðıħŧ${katakana}', 'olddiht${hiragana}')`);

  // Double Metaphone is for Latin letters; one letter of it says nothing ("Lee", "Lew", "Ali").
  await runner.query(`
    create function person_name_sounds(word text) returns text[]
      language sql immutable strict parallel safe set search_path from current
      as $$
        select coalesce(array_agg(distinct '#' || code), '{}')
        from unnest(case when word ~ '^[a-z]{3,64}$' then array[dmetaphone(word), dmetaphone_alt(word)] end) code
        where length(code) > 1
      $$`);

  // Beside single words stand the parts of one (Gil-dong) and the words of a component (van den Berg) written as one, and
  // in scripts that separate no words the whole group.
  await runner.query(`
    create function person_name_words(name text) returns tsvector
      language plpgsql immutable strict parallel safe cost 400 set search_path from current
      as $$
      declare
        found text[] := '{}';
        component_group text;
        component text;
      begin
        foreach component_group in array string_to_array(fold_person_name(name), '=') loop
          foreach component in array string_to_array(component_group, '^') loop
            found := found || regexp_split_to_array(component, '${between}')
              || regexp_replace(component, '${between}', '', 'g');
            if component ~ '\\s' then
              found := found || regexp_split_to_array(regexp_replace(component, '${betweenParts}', '', 'g'), '${between}');
            end if;
          end loop;
          if component_group !~ '[a-z]' then
            found := found || regexp_replace(component_group, '${between}', '', 'g');
          end if;
        end loop;
        return (
          select array_to_tsvector(array_agg(distinct lexeme))
          from unnest(found) word, unnest(array[left(word, 64)] || person_name_sounds(word)) lexeme
          where word <> ''
        );
      end
      $$`);

  await runner.query(`
    create function or_written_as_one(asked text, words text) returns text
      language sql immutable strict parallel safe
      return case
        when strpos(asked, '''' || left(regexp_replace(words, '${between}', '', 'g'), 64) || '''') > 0 then asked
        else format('(%s) | ''%s'':*', asked, left(regexp_replace(words, '${between}', '', 'g'), 64)) end`);

  await runner.query(`
    create function person_name_query(name text) returns tsquery
      language plpgsql immutable strict parallel safe set search_path from current
      as $$
      declare
        asked text := '';
        asked_group text;
        asked_component text;
        component_group text;
        component text;
        word text;
        parts text[];
        term text;
      begin
        foreach component_group in array string_to_array(fold_person_name(name), '=') loop
          asked_group := '';
          foreach component in array string_to_array(component_group, '^') loop
            asked_component := '';
            foreach word in array regexp_split_to_array(component, '[\\s,]+') loop
              parts := array_remove(regexp_split_to_array(word, '${between}'), '');
              continue when cardinality(parts) = 0;
              select string_agg('(' || any_of || ')', ' & ') into term from (
                select (
                  select string_agg(format('''%s''', lexeme) || case when lexeme like '#%' then '' else ':*' end, ' | ')
                  from unnest(array[left(part, 64)] || person_name_sounds(part)) lexeme
                ) as any_of from unnest(parts) part
              ) terms;
              term := or_written_as_one(term, word);
              asked_component := concat_ws(' & ', nullif(asked_component, ''), '(' || term || ')');
            end loop;
            continue when asked_component = '';
            asked_group := concat_ws(' & ', nullif(asked_group, ''), '(' || or_written_as_one(asked_component, component) || ')');
          end loop;
          continue when asked_group = '';
          if component_group !~ '[a-z]' then
            asked_group := or_written_as_one(asked_group, component_group);
          end if;
          asked := concat_ws(' & ', nullif(asked, ''), '(' || asked_group || ')');
        end loop;
        return asked::tsquery;
      end
      $$`);
}

/** DICOM JSON (PS3.18 F.2) is kept as text; these read what is in it. None of them ever fails on a row. */
async function createJsonFunctions(runner: QueryRunner): Promise<void> {
  // NUL and lone surrogates are valid in JSON and impossible in jsonb: they read as blanks.
  await runner.query(String.raw`
    create function dicom_jsonb(document text) returns jsonb
      language sql immutable strict parallel safe
      return (case when strpos(document, '\u') = 0 then document
        else regexp_replace(document, '\\u(0000|d[89a-f][0-9a-f]{2})', '\\u0020', 'g') end)::jsonb`);

  // Numbers may be kept as text, to the last digit they were sent with (PS3.18 F.2.3).
  await runner.query(String.raw`
    create function dicom_number(value jsonb) returns numeric
      language sql immutable strict parallel safe
      return case jsonb_typeof(value)
        when 'number' then value::numeric
        when 'string' then case
          when length(value #>> '{}') < 100 and value #>> '{}' ~ '^ *[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})? *$'
          then (value #>> '{}')::numeric end
        end`);

  // A DT in UTC: its own offset counts, then that of its data set, else it is taken for UTC.
  await runner.query(String.raw`
    create function dicom_instant(value text, data_set_offset text) returns timestamp
      language plpgsql immutable parallel safe
      as $$
      declare
        parts text[] := regexp_match(value,
          '^(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d(?:\.\d{1,6})?)?([+-]\d{4})? *$');
        zone text := coalesce(parts[7], substring(data_set_offset from '^[+-]\d{4}'), '+0000');
      begin
        return make_timestamp(parts[1]::integer, coalesce(parts[2], '1')::integer, coalesce(parts[3], '1')::integer,
            coalesce(parts[4], '0')::integer, coalesce(parts[5], '0')::integer, coalesce(parts[6], '0')::double precision)
          - make_interval(mins => (left(zone, 1) || '1')::integer
              * (substr(zone, 2, 2)::integer * 60 + substr(zone, 4, 2)::integer));
      exception when data_exception then
        return null;
      end
      $$`);
}
