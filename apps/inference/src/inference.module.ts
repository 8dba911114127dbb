import { Module } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { FailuresController } from './failures/failures.controller.js';
import { ModelPackages } from './models/packages/model-packages.js';
import { ModelsController } from './models/packages/models.controller.js';
import { ModelRuntime } from './runtime/model-runtime.js';
import { AnalyseStudy } from './tasks/analyse-study.js';
import { ModelRegistry } from './tasks/model-registry.js';
import { RunInference } from './tasks/run-inference.job.js';
import { RunShadow } from './tasks/run-shadow.job.js';
import { WarmUp } from './tasks/warm-up.job.js';
import { TrialsController } from './trials/trials.controller.js';

@Module({
  controllers: [ModelsController, FailuresController, TrialsController],
  providers: [
    ModelPackages,
    ModelRegistry,
    AnalyseStudy,
    RunInference,
    RunShadow,
    WarmUp,
    { provide: ModelRuntime, useFactory: (config: Config) => new ModelRuntime(config), inject: [CONFIG] },
  ],
})
export class InferenceModule {}
