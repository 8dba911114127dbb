/** What is configured cannot be used; nothing starts on half a configuration. */
export class ConfigError extends Error {
  readonly code = 'invalid-configuration';
}
