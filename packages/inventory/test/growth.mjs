import { spawnSync } from 'node:child_process';

// pnpm --filter @sentral/inventory growth [nodes]: what is asked most, beside so many nodes and ten times as many allocations in history,
// and beside a hundredth of them; 100,000 unless it is said.
const nodes = Number(process.argv.slice(2).find((each) => each !== '--') ?? 100_000);
if (!Number.isSafeInteger(nodes) || nodes < 10_000) throw new TypeError('nodes is a whole number from 10,000');
const { status } = spawnSync('vitest', ['run', 'test/growth.db.test.ts', '--disable-console-intercept'], {
  stdio: 'inherit',
  env: { ...process.env, SENTRAL_TEST_GROWTH: String(nodes) },
});
process.exitCode = status ?? 1;
