/** The tests of a package that need no server: named `*.test.ts`, but not `*.db.test.ts` and not `*.e2e.test.ts`. */
export default {
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', '**/*.db.test.ts', '**/*.e2e.test.ts'],
    passWithNoTests: true,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
};
