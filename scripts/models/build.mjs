// Writes models/<folder>/model.onnx for every network built by a program: `node scripts/models/build.mjs`.
// Node strips the types itself; what it lacks is that our imports say .js where the source is .ts.
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const isOurs = specifier.startsWith('./') && context.parentURL?.endsWith('.ts');
    return next(isOurs ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});

const { builtModels } = await import('./built-models.ts');
for (const [folder, build] of Object.entries(builtModels)) {
  const bytes = build();
  writeFileSync(new URL(`../../models/${folder}/model.onnx`, import.meta.url), bytes);
  console.log(`models/${folder}/model.onnx: ${bytes.length} bytes`);
}
