import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/main.ts', 'src/development.ts'],
  format: ['esm'],
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  clean: false,
  dts: false,
  // Packages find their own files (migrations, server binaries) beside themselves: never copied into this bundle.
  external: [/^@sentral\//],
});
