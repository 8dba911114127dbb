import { runApp } from '#libs/server';
import { RouterModule } from './router.module.js';

await runApp('router', { modules: [RouterModule], jobs: ['router'], hasConsole: true });
