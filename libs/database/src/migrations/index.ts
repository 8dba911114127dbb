import { CreateArchiveTables1763683200000 } from './1763683200000-create-archive-tables.js';
import { CreateWorkflowTables1763683200001 } from './1763683200001-create-workflow-tables.js';
import { CreateSearchFunctions1763683200002 } from './1763683200002-create-search-functions.js';
import { CreateDeletionAndChangeTables1763683200003 } from './1763683200003-create-deletion-and-change-tables.js';
import { CreateUpsEvents1763683200004 } from './1763683200004-create-ups-events.js';
import { CreateStoreFunction1763683200005 } from './1763683200005-create-store-function.js';
import { CreateRoutingTables1763683200009 } from './1763683200009-create-routing-tables.js';
import { CreateWorklistTables1763683200010 } from './1763683200010-create-worklist-tables.js';
import { CreateModelTables1763683200011 } from './1763683200011-create-model-tables.js';
import { CreateInferenceTables1763683200012 } from './1763683200012-create-inference-tables.js';
import { CreateTieringTables1763683200013 } from './1763683200013-create-tiering-tables.js';
import { CreatePackParts1763683200015 } from './1763683200015-create-pack-parts.js';
import { InlineStudyCountParts1763683200019 } from './1763683200019-inline-study-count-parts.js';
import { StoreMetadataUnescaped1763683200021 } from './1763683200021-store-metadata-unescaped.js';
import { HashPacksInPieces1763683200023 } from './1763683200023-hash-packs-in-pieces.js';
import { AnnounceArrivals1763683200016 } from './1763683200016-announce-arrivals-and-store-in-one-statement.js';
import { CountStudiesByDay1763683200018 } from './1763683200018-count-studies-by-day.js';
import { CreateSuccessorPlaces1763683200014 } from './1763683200014-create-successor-places.js';

/** In order, listed by hand: a migration that is not here does not run. */
export const migrations = [
  CreateArchiveTables1763683200000,
  CreateWorkflowTables1763683200001,
  CreateSearchFunctions1763683200002,
  CreateDeletionAndChangeTables1763683200003,
  CreateUpsEvents1763683200004,
  CreateStoreFunction1763683200005,
  CreateRoutingTables1763683200009,
  CreateWorklistTables1763683200010,
  CreateModelTables1763683200011,
  CreateInferenceTables1763683200012,
  CreateTieringTables1763683200013,
  CreateSuccessorPlaces1763683200014,
  CreatePackParts1763683200015,
  AnnounceArrivals1763683200016,
  CountStudiesByDay1763683200018,
  InlineStudyCountParts1763683200019,
  StoreMetadataUnescaped1763683200021,
  HashPacksInPieces1763683200023,
];
