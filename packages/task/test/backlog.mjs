import { spawnSync } from 'node:child_process';

// pnpm --filter @sentral/task backlog [tasks]: tasks beside so many that have ended and so many that wait, 100,000 unless it is said.
const tasks = Number(process.argv.slice(2).find((each) => each !== '--') ?? 100_000);
if (!Number.isSafeInteger(tasks) || tasks < 1) throw new TypeError('tasks is a whole number from 1');
const { status } = spawnSync('vitest', ['run', 'test/backlog.db.test.ts', '--disable-console-intercept'], {
  stdio: 'inherit',
  env: { ...process.env, SENTRAL_BACKLOG: String(tasks) },
});
process.exitCode = status ?? 1;
