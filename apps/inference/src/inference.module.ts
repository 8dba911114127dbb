import { Module } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { ModelPackages } from './models/packages/model-packages.js';
import { ModelsController } from './models/packages/models.controller.js';
import { ModelRuntime } from './runtime/model-runtime.js';
import { ModelRegistry } from './tasks/model-registry.js';
import { RunInference } from './tasks/run-inference.job.js';

@Module({
  controllers: [ModelsController],
  providers: [
    ModelPackages,
    ModelRegistry,
    RunInference,
    { provide: ModelRuntime, useFactory: (config: Config) => new ModelRuntime(config), inject: [CONFIG] },
  ],
})
export class InferenceModule {}
