import { idSchema } from '@sentral/contracts/ids';
import { workflow } from '@sentral/task';
import * as v from 'valibot';
import { doing } from './platform-resource.js';

const hour = 3_600_000;

/** Writes an export of audit's records: one step, served by audit. Taken back, its files are gone. */
export const auditExport = workflow({
  kind: 'audit.export',
  kindVersion: 1,
  summary: 'Writes records of audit to files.',
  permission: 'audit.export.create',
  input: v.strictObject({ exportId: idSchema('exp') }),
  plan: ({ exportId }) => ({
    claims: [{ resource: exportId, mode: 'exclusive' }],
    holdings: [],
    steps: [
      {
        ...doing('write', 'audit', 'export.write', {
          input: { exportId },
          undo: { action: 'export.drop', input: { exportId } },
          // A million records that do not follow each other take an hour; it beats meanwhile.
          policy: { beatMs: 2 * 60_000, attemptMs: 4 * hour, totalMs: 6 * hour },
        }),
        kind: 'command',
      },
    ],
    output: { $from: '/steps/write/output' },
  }),
});
