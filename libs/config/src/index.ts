export { type Account, type Role, roles } from './accounts.js';
export {
  type AppName,
  appNames,
  type Config,
  ConfigError,
  isLoopback,
  type Limits,
  loadConfig,
  type S3Config,
} from './config.js';
export { CONFIG, ConfigModule } from './config.module.js';
export { freePort } from './free-port.js';
export type { FilesystemStoreConfig, S3StoreConfig, StoreConfig, StorePrices } from './stores.js';
