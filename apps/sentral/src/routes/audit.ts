import type { auditRoutes } from '@sentral/contracts/api/audit/records';
import type { Handlers } from '../http/mount.js';
import { facade } from '../auth/sessions.js';
import { done, listed, openCursor } from './shape.js';
import type { World } from './world.js';

export function auditHandlers({ audit, cursors }: World): Handlers<typeof auditRoutes> {
  return {
    listAuditRecords: async ({ query }, asked) => {
      const { 'action.prefix': actionPrefix, 'occurredAt.gte': from, 'occurredAt.lt': to, ...same } = query;
      const filters = { ...same, actionPrefix, from, to };
      return listed(
        cursors,
        asked,
        await audit.record.list(asked.caller, { ...filters, ...openCursor(cursors, asked, query) }),
      );
    },
    getAuditRecord: async ({ params }, asked) => done(await audit.record.get(asked.caller, params)),
    getAuditRecordProof: async ({ params, query }, asked) =>
      done(await audit.record.proof(asked.caller, { ...params, ...query })),
    getAuditRecordPersonal: async ({ params }, asked) => done(await audit.record.personal(asked.caller, params)),
    redactAuditRecord: async ({ params, body }, asked) =>
      done(await audit.record.redact(asked.caller, { ...params, ...body })),
    listAuditLogs: async ({ query }, asked) =>
      listed(
        cursors,
        asked,
        await audit.log.list(asked.caller, { tenantId: query.tenantId, ...openCursor(cursors, asked, query) }),
      ),
    listAuditCheckpoints: async ({ params, query }, asked) =>
      listed(
        cursors,
        asked,
        await audit.log.checkpoints(asked.caller, { ...params, ...openCursor(cursors, asked, query) }),
      ),
    getAuditLogConsistency: async ({ params, query }, asked) =>
      done(await audit.log.consistency(asked.caller, { ...params, ...query })),
    // Of the platform, which the route has asked for: the counts are of all contexts.
    getAuditIntegrity: async () => done(await audit.integrity.get(facade, {})),
    countAuditIntegrity: async () => done(await audit.integrity.count(facade, {})),
  };
}
