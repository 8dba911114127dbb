import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { createDataSource, DATABASE_URL, type DataSource } from '#libs/database';

/** Searches at a time; more wait. A search is work for the server's processors, of which there are not many more. */
const connectionsMax = 8;

/**
 * Connections for searches alone. Broad ones can thus never take those that store and retrieve, and the server itself
 * ends what takes too long, with no word more on the way than the search.
 */
@Injectable()
export class SearchDatabase implements OnModuleInit, OnModuleDestroy {
  readonly dataSource: DataSource;

  constructor(@Inject(DATABASE_URL) url: string, @Inject(CONFIG) config: Config) {
    this.dataSource = createDataSource(url, connectionsMax, config.searchSeconds);
  }

  async onModuleInit(): Promise<void> {
    await this.dataSource.initialize();
  }

  async onModuleDestroy(): Promise<void> {
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}
