import type { RefObject } from 'react';
import type { ReadingScope, WorklistChoices } from '../api/worklist.js';
import { aiStateNames, type Choice, noFilter, type WorklistFilter } from './worklist-filter.js';

interface WorklistFiltersProps {
  filter: WorklistFilter;
  choices: WorklistChoices | undefined;
  hasLoaded: boolean;
  shown: number;
  loaded: number;
  total: number;
  isTotalExact: boolean;
  searchRef: RefObject<HTMLInputElement | null>;
  onChange: (filter: WorklistFilter) => void;
}

export function WorklistFilters(props: WorklistFiltersProps) {
  const { filter, choices, hasLoaded, shown, loaded, total, isTotalExact, searchRef, onChange } = props;
  const isFiltered = Object.values(filter).some((value) => value !== '');
  return (
    <search className="filters">
      <input
        ref={searchRef}
        type="search"
        placeholder="Name, ID, accession, description   ( / )"
        aria-label="Search the worklist"
        value={filter.text}
        onChange={(event) => onChange({ ...filter, text: event.target.value })}
      />
      <Select
        label="Specialty"
        value={filter.specialty}
        choices={choices?.specialty ?? []}
        name={(value) => value}
        onChange={(specialty) => onChange({ ...filter, specialty })}
      />
      <Select
        label="Modality"
        value={filter.modality}
        choices={choices?.modality ?? []}
        name={(value) => value}
        onChange={(modality) => onChange({ ...filter, modality })}
      />
      <Select
        label="Body part"
        value={filter.bodyPart}
        choices={choices?.bodyPart ?? []}
        name={(value) => value}
        onChange={(bodyPart) => onChange({ ...filter, bodyPart })}
      />
      <Select
        label="AI result"
        value={filter.ai}
        choices={choices?.ai ?? []}
        name={(value) => (aiStateNames as Record<string, string>)[value] ?? value}
        onChange={(ai) => onChange({ ...filter, ai })}
      />
      <select
        aria-label="Reading state"
        className={filter.scope === '' ? undefined : 'set'}
        value={filter.scope}
        onChange={(event) => onChange({ ...filter, scope: event.target.value as ReadingScope })}
      >
        <option value="">To be read</option>
        <option value="mine">Mine</option>
        <option value="completed">Read</option>
        <option value="all">All studies</option>
      </select>
      {isFiltered && (
        <button type="button" className="quiet" onClick={() => onChange(noFilter)}>
          Clear
        </button>
      )}
      {hasLoaded && (
        <output className="count">
          {shown} of {total.toLocaleString('en')}
          {!isTotalExact && '+'} {total === 1 ? 'study' : 'studies'}
          {loaded < total && <span className="faint"> · {loaded} loaded</span>}
        </output>
      )}
    </search>
  );
}

interface SelectProps {
  label: string;
  value: string;
  choices: Choice[];
  name: (value: string) => string;
  onChange: (value: string) => void;
}

function Select({ label, value, choices, name, onChange }: SelectProps) {
  // A value from the address stays choosable though nothing has it now.
  const all =
    value === '' || choices.some((choice) => choice.value === value) ? choices : [...choices, { value, count: 0 }];
  return (
    <select
      aria-label={label}
      className={value === '' ? undefined : 'set'}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      <option value="">{label}</option>
      {all.map((choice) => (
        <option key={choice.value} value={choice.value}>
          {name(choice.value)} ({choice.count})
        </option>
      ))}
    </select>
  );
}
