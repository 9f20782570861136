import type { RouteDef } from '@sentral/contracts/route';
import { problem } from '@sentral/contracts/problem';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { expect, test } from 'vitest';
import type { Entered } from '../auth/door.js';
import { platform } from '../auth/lineage.js';
import { createTrail, type Story } from './trail.js';

const def = {
  operationId: 'op',
  method: 'DELETE',
  permission: 'tenancy.project.delete',
  on: 'pathScope',
} as unknown as RouteDef;
const entered = (id: string) =>
  ({
    session: { principal: { id, type: 'user' }, snapshot: { epoch: 3, grants: [], denies: [] } },
  }) as unknown as Entered;
const sealed = () => ({ key: '', digest: '', box: '' });
const story = (who: string, id: string): Story => ({ def, requestId: 'req', id, sealed, entered: entered(who) });
const project = (n: number) => `prj_01jz00000000000000000000${String(n).padStart(2, '0')}`;
const denied = problem('permission-denied', { scope: 'platform' });
const quiet = createTelemetry({ level: 'error', write: () => undefined });

function someTrail(report: (caller: unknown, command: object) => Promise<{ id: never }>) {
  return createTrail({
    report,
    lineage: { of: async () => [platform], rows: async () => [] },
    telemetry: quiet,
  });
}

test('the first of those alike is told at once, the others by their number, and the last minute when the process ends', async () => {
  const told: [string, object][] = [];
  const trail = someTrail(async (caller, command) => {
    told.push([(caller as { principal: { id: string } }).principal.id, command]);
    return { id: '' as never };
  });
  for (let n = 0; n < 100; n += 1) trail.refused(story(n % 4 === 0 ? 'ann' : 'bob', project(1)), denied);
  await expect.poll(() => told.length).toBe(2);
  await trail.stop();
  expect(
    told
      .map(([who, command]) => `${who} ${'count' in command ? String(command.count).padStart(2) : 'once'}`)
      .toSorted(),
  ).toEqual(['ann 24', 'ann once', 'bob 74', 'bob once']);
});

test('who asks for ever other things is told of without them, and fills no memory', async () => {
  let told = 0;
  let counted = 0;
  const trail = someTrail(async (_caller, command) => {
    told += 1;
    counted += (command as { count?: number }).count ?? 1;
    return { id: '' as never };
  });
  for (let n = 0; n < 90; n += 1) trail.refused(story('ann', project(n)), denied);
  await trail.stop();
  expect([told, counted]).toEqual([60 + 2, 90]);
});

test('what could not be told is counted until something can', async () => {
  let away = true;
  const trail = someTrail(async () => {
    if (away) throw problem('dependency-unavailable');
    return { id: '' as never };
  });
  trail.refused(story('ann', project(1)), denied);
  trail.refused(story('bob', project(1)), denied);
  await expect.poll(() => trail.missing()).toBe(2);
  away = false;
  trail.refused(story('eve', project(1)), denied);
  await expect.poll(() => trail.missing()).toBe(0);
  await trail.stop();
});
