import type { Behaviour } from '../behaviour.js';
import { crossCutting } from './cross-cutting.js';
import { frames } from './frames.js';
import { instances } from './instances.js';
import { json } from './json.js';
import { rendered } from './rendered.js';
import { searchMatching } from './search-matching.js';
import { searchNegotiation } from './search-negotiation.js';
import { searchPaging } from './search-paging.js';
import { searchResults } from './search-results.js';
import { store } from './store.js';
import { workitems } from './workitems.js';

/** Every behaviour, in the order in which they are tried. */
export const behaviours: readonly Behaviour[] = [
  ...searchNegotiation,
  ...searchPaging,
  ...searchMatching,
  ...searchResults,
  ...json,
  ...frames,
  ...instances,
  ...rendered,
  ...store,
  ...workitems,
  ...crossCutting,
];
