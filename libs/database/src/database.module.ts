import { type DynamicModule, Global, Module } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** Injection token of the database's URL, for connections of one's own (LISTEN). */
export const DATABASE_URL = Symbol('DatabaseUrl');

/** Gives every service the one data source of the process, by its class. */
@Global()
@Module({})
export class DatabaseModule {
  static with(dataSource: DataSource, url: string): DynamicModule {
    return {
      module: DatabaseModule,
      providers: [
        { provide: DataSource, useValue: dataSource },
        { provide: DATABASE_URL, useValue: url },
      ],
      exports: [DataSource, DATABASE_URL],
    };
  }
}
