export { DataSource } from 'typeorm';
export { createDataSource } from './data-source.js';
export { DATABASE_URL, DatabaseModule } from './database.module.js';
export { EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded/embedded-postgres.js';
export { findRunningServer } from './embedded/running-server.js';
export { DataFolderInUseError } from './embedded/ownership.js';
export { type Channel, Listener, notify, notifyAll } from './listener.js';
export { migrate, refuseUnsafeSettings } from './prepare.js';
export { execute, query, queryPrepared, queryPreparedIn, type Transaction, transaction } from './transaction.js';
