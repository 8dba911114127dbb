import path from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const here = import.meta.dirname;

export default defineConfig({
  root: here,
  base: '/',
  plugins: [react()],
  build: {
    outDir: path.resolve(here, '../../../dist/console'),
    emptyOutDir: true,
    target: 'es2022',
    // The polyfill would be an inline script, which the content security policy forbids.
    modulePreload: { polyfill: false },
  },
  // For work on the pages alone: the API of a suite that runs beside.
  server: {
    proxy: Object.fromEntries(
      ['/api', '/dicom-web', '/health'].map((prefix) => [prefix, { target: 'http://127.0.0.1:8080' }]),
    ),
  },
});
