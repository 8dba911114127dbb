import { type DynamicModule, Global, Module } from '@nestjs/common';
import { Health } from './health.js';
import { LOGGER, type Logger } from './logger.js';
import { Metrics } from './metrics.js';

@Global()
@Module({})
export class TelemetryModule {
  static with(logger: Logger): DynamicModule {
    return {
      module: TelemetryModule,
      providers: [{ provide: LOGGER, useValue: logger }, Health, Metrics],
      exports: [LOGGER, Health, Metrics],
    };
  }
}
