import { defineConfig } from 'tsup';

export default defineConfig({
  entry: [
    'src/main.ts',
    'src/load-worker.ts',
    'src/limit-worker.ts',
    'src/bare-server.ts',
    'src/task-worker.ts',
    'src/workflow-worker.ts',
  ],
  format: ['esm'],
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  clean: false,
  dts: false,
});
