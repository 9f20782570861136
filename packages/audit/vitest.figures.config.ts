import { defineConfig } from 'vitest/config';

// Measurements, not tests: `pnpm --filter @sentral/audit figures`. They say what they found and fail where an answer is wrong, never for being slow.
export default defineConfig({
  test: {
    include: ['test/figures/*.figures.ts'],
    testTimeout: 1_500_000,
    hookTimeout: 1_500_000,
    fileParallelism: false,
    bail: 1,
  },
});
