import { spawnSync } from 'node:child_process';

// pnpm --filter @sentral/task simulate [sagas]: so many seeds, 300,000 unless it is said, and how far it has come.
const sagas = Number(process.argv.slice(2).find((each) => each !== '--') ?? 300_000);
if (!Number.isSafeInteger(sagas) || sagas < 1) throw new TypeError('sagas is a whole number from 1');
const { status } = spawnSync('vitest', ['run', 'test/simulation.test.ts', '--disable-console-intercept'], {
  stdio: 'inherit',
  env: { ...process.env, SENTRAL_SAGAS: String(sagas) },
});
process.exitCode = status ?? 1;
