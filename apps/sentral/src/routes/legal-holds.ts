import type { legalHoldRoutes } from '@sentral/contracts/api/audit/legal-holds';
import { everyPlace } from '@sentral/contracts/api/tenancy/scoped';
import { requireVersion, type Asked, type Handlers } from '../http/mount.js';
import { onEach } from './scoped.js';
import { createdAt, listed, openCursor, shown } from './shape.js';
import type { World } from './world.js';

type Body = Omit<Parameters<World['audit']['legalHold']['create']>[1], 'scopeId'>;

export function legalHoldHandlers({ audit, cursors }: World): Handlers<typeof legalHoldRoutes> {
  return {
    ...onEach(everyPlace, { verb: 'create', noun: 'LegalHold' }, async ({ body }: { body: Body }, asked: Asked) =>
      createdAt(
        await audit.legalHold.create(asked.caller, { ...body, scopeId: asked.scopeId ?? 'platform' }),
        '/v1/legalHolds',
      ),
    ),
    listLegalHolds: async ({ query }, asked) =>
      listed(
        cursors,
        asked,
        await audit.legalHold.list(asked.caller, { ended: query.ended, ...openCursor(cursors, asked, query) }),
      ),
    getLegalHold: async ({ params }, asked) => shown(await audit.legalHold.get(asked.caller, params)),
    endLegalHold: async ({ params, body }, asked) =>
      shown(await audit.legalHold.end(asked.caller, { ...params, ...body, version: requireVersion(asked) })),
  };
}
