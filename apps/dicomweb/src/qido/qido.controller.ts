import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Access } from '#libs/auth';
import { CONFIG, type Config } from '#libs/config';
import type { DataSource } from '#libs/database';
import { checkUid } from '../http/check-uid.js';
import { chooseRepresentation, dicomwebUrlOf, searchOf } from '../http/request.js';
import { parseQido, type QidoQuery } from '../wire/parse-qido.js';
import { findSearchAttribute, type SearchLevel } from '../wire/search-attributes.js';
import { searchInstances } from './instance-search.js';
import { refuseTooBroad } from './refuse-too-broad.js';
import { SearchDatabase } from './search-database.js';
import type { SearchPage } from './search-page.js';
import { representations, sendResults } from './send-results.js';
import { searchSeries } from './series-search.js';
import { searchStudies } from './study-search.js';

interface Place {
  study?: string;
  series?: string;
}

/**
 * QIDO-RS (PS3.18 10.6): searches for studies, series and instances, each in what the URL names. A study or series that is
 * not here has no results, as any other search without matches (table 10.6.3-1 knows no 404).
 */
@Controller('dicom-web')
@Access('read')
export class QidoController {
  private readonly db: DataSource;

  constructor(
    database: SearchDatabase,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.db = database.dataSource;
  }

  @Get('studies')
  studies(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.answer(request, reply, 'study', {}, (query, url) => searchStudies(this.db, query, url));
  }

  @Get('series')
  allSeries(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.answer(request, reply, 'series', {}, (query, url) => searchSeries(this.db, query, url, false));
  }

  @Get('studies/:study/series')
  series(@Param() place: Place, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.answer(request, reply, 'series', place, (query, url) => searchSeries(this.db, query, url, true));
  }

  @Get('instances')
  allInstances(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.answer(request, reply, 'instance', {}, (query, url) =>
      searchInstances(this.db, query, url, 'anywhere'),
    );
  }

  @Get('studies/:study/instances')
  instancesOfStudy(@Param() place: Place, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.answer(request, reply, 'instance', place, (query, url) =>
      searchInstances(this.db, query, url, 'study'),
    );
  }

  @Get('studies/:study/series/:series/instances')
  instancesOfSeries(@Param() place: Place, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.answer(request, reply, 'instance', place, (query, url) =>
      searchInstances(this.db, query, url, 'series'),
    );
  }

  private async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    level: SearchLevel,
    place: Place,
    search: (query: QidoQuery, dicomwebUrl: string) => Promise<SearchPage>,
  ): Promise<void> {
    const representation = chooseRepresentation(request, representations);
    const query = parseQido(level, searchOf(request), this.config.limits.qidoResultsMax);
    addPlace(query, place);
    const url = dicomwebUrlOf(request);
    const page = query.limit === 0 ? nothing(query) : await this.search(query, url, search);
    const remaining = page.matches - query.offset - page.results.length;
    const isCutByServer = query.isServerLimit || page.results.length < query.limit;
    if (remaining > 0 && isCutByServer)
      query.warnings.push(`There are ${remaining} additional results that can be requested`);
    if (query.warnings.length > 0)
      void reply.header(
        'warning',
        query.warnings.map((text) => `299 ${url}: ${text}`),
      );
    if (page.results.length === 0 && this.config.emptySearchStatus === 204) return void reply.status(204).send();
    await sendResults(reply, page.results, representation);
  }

  private async search(
    query: QidoQuery,
    url: string,
    search: (query: QidoQuery, dicomwebUrl: string) => Promise<SearchPage>,
  ): Promise<SearchPage> {
    try {
      return await search(query, url);
    } catch (error) {
      throw refuseTooBroad(error, query, this.config.searchSeconds);
    }
  }
}

const nothing = (query: QidoQuery): SearchPage => ({ results: [], matches: query.offset });

/** What the URL's path names must match as well as what its query does. */
function addPlace(query: QidoQuery, place: Place): void {
  for (const [name, uid] of [
    ['StudyInstanceUID', place.study],
    ['SeriesInstanceUID', place.series],
  ] as const) {
    if (uid === undefined) continue;
    checkUid(uid, name);
    const attribute = findSearchAttribute(name);
    if (attribute === undefined) throw new Error(`${name} is no attribute`);
    query.matches.push({ attribute, condition: { kind: 'uids', uids: [uid] } });
  }
}
