import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/postgres.ts', 'src/nats.ts'],
  format: ['esm'],
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  clean: false,
  dts: false,
});
