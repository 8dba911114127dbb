// What every npm script goes through: installs what is missing, builds what is stale, then runs it on the pinned Node.
// Plain JavaScript that Node 20 reads, because it runs before anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = path.join(root, 'node_modules', '.bin');
const node = path.join(bin, 'node');
const [task, ...args] = process.argv.slice(2);

const tasks = {
  suite: () => app('suite'),
  dicomweb: () => app('dicomweb'),
  router: () => app('router'),
  inference: () => app('inference'),
  storage: () => app('storage'),
  build: () => {
    install();
    build();
  },
  check: () => {
    install();
    check();
  },
  test: () => {
    install();
    build();
    return run(node, [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      ...args,
    ]);
  },
};

if (!(task in tasks)) fail(`run.mjs knows ${Object.keys(tasks).join(', ')}; not ${task}`);
await tasks[task]();

/**
 * Half of V8's default for what is young, at most two fifths more than what lives before what is old is collected, and two of
 * malloc's arenas instead of eight a core: as fast, and what is held after uploads is less by 200 MiB. The container's image
 * says the same.
 */
function app(name) {
  install();
  build();
  process.env.MALLOC_ARENA_MAX ??= '2';
  const flags = ['--enable-source-maps', '--max-semi-space-size=8', '--heap-growing-percent=40'];
  return run(node, [...flags, `dist/apps/${name}/src/main.js`, ...args]);
}

/** `npm ci` when the lock file is not the one installed last. */
function install() {
  const stamp = path.join(root, 'node_modules', '.isocenter-installed');
  const wanted = digest([path.join(root, 'package-lock.json')]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('Installing packages (once) ...');
  // onnxruntime-node would fetch CUDA libraries of hundreds of megabytes; GPU images install them on purpose.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: process.env.ONNXRUNTIME_NODE_INSTALL ?? 'skip' };
  step('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], env);
  writeFileSync(stamp, wanted);
}

/** Compiles apps and libs, and the console, when a source changed since the last build. */
function build() {
  const parts = [
    {
      name: 'server',
      sources: ['apps', 'libs', 'types', 'tsconfig.json', 'tsconfig.build.json'],
      skip: /console|\.spec\.|\.db-spec\./,
      make: () => step(node, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']),
    },
    {
      name: 'console',
      sources: ['apps/console'],
      skip: /\.spec\./,
      make: () =>
        step(node, [
          'node_modules/vite/bin/vite.js',
          'build',
          '--logLevel',
          'warn',
          '--config',
          'apps/console/web/vite.config.ts',
        ]),
    },
  ];
  for (const { name, sources, skip, make } of parts) {
    const stamp = path.join(root, 'dist', `.${name}-built`);
    const wanted = digest(sources.flatMap((source) => files(path.join(root, source), skip)));
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) continue;
    say(`Building the ${name} ...`);
    make();
    mkdirSync(path.dirname(stamp), { recursive: true });
    writeFileSync(stamp, wanted);
  }
}

function check() {
  step(node, ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json']);
  step(node, ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'apps/console/web/tsconfig.json']);
  step(node, ['node_modules/oxlint/bin/oxlint', '--deny-warnings']);
  step(node, ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.']);
}

function files(entry, skip) {
  if (!statSync(entry).isDirectory()) return [entry];
  return readdirSync(entry, { withFileTypes: true, recursive: true })
    .filter((found) => found.isFile())
    .map((found) => path.join(found.parentPath ?? found.path, found.name))
    .filter((file) => !skip.test(path.relative(root, file)) || entry.endsWith('console'))
    .filter((file) => !file.includes(`${path.sep}node_modules${path.sep}`))
    .sort();
}

function digest(paths) {
  const hash = createHash('sha256');
  for (const file of paths) hash.update(path.relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

function step(command, commandArgs, env = process.env) {
  const { status, error } = spawnSync(command, commandArgs, { cwd: root, stdio: 'inherit', env });
  if (error) fail(`${command} could not be started: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/** Runs in the foreground and ends as it ends. Ctrl-C reaches the child from the terminal; a SIGTERM to us is passed on. */
function run(command, commandArgs) {
  const child = spawn(command, commandArgs, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` },
  });
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', (error) => fail(`${command} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
