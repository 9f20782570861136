import { defineConfig } from 'tsup';

export default defineConfig({
  entry: [
    'src/resource.ts',
    'src/netbox.ts',
    'src/devicetypes.ts',
    'src/ipamplan.ts',
    'src/placement.ts',
    'src/vmtrace.ts',
    'src/compare.ts',
    'src/told.ts',
    'src/volume.ts',
    'src/main.ts',
  ],
  format: ['esm'],
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  clean: false,
  dts: false,
});
