import { Module } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { ModelRuntime } from './runtime/model-runtime.js';
import { ModelRegistry } from './tasks/model-registry.js';
import { RunInference } from './tasks/run-inference.job.js';

@Module({
  providers: [
    ModelRegistry,
    RunInference,
    { provide: ModelRuntime, useFactory: (config: Config) => new ModelRuntime(config), inject: [CONFIG] },
  ],
})
export class InferenceModule {}
