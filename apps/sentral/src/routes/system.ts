import type { systemRoutes } from '@sentral/contracts/api/system';
import type { Diagnostics, Invariants } from '../diagnostics.js';
import type { Handlers } from '../http/mount.js';
import type { Readiness } from '../readiness.js';
import type { readScopeSchema } from '@sentral/contracts/contract';
import type { InferOutput } from 'valibot';

export function systemHandlers(use: {
  readiness: () => Promise<Readiness>;
  invariants: () => Promise<Invariants>;
  diagnose: () => Promise<Diagnostics>;
  documents: { readonly openapi: Record<string, unknown>; readonly asyncapi: Record<string, unknown> };
}): Handlers<typeof systemRoutes> {
  return {
    livez: async () => ({ status: 200, body: { status: 'ok' } }),
    readyz: async () => {
      const body = await use.readiness();
      return body.status === 'ready' ? { status: 200, body } : { status: 503, body };
    },
    openapi: async () => ({ status: 200, body: use.documents.openapi }),
    asyncapi: async () => ({ status: 200, body: use.documents.asyncapi }),
    listSystemInvariants: async () => ({ status: 200, body: await use.invariants() }),
    getSystemDiagnostics: async () => ({ status: 200, body: await use.diagnose() }),
    whoami: async (_, asked) => {
      const { principal } = asked.entered?.session ?? {};
      return {
        status: 200,
        body: {
          principal: {
            id: asked.caller.principal.id,
            type: asked.caller.principal.type,
            ...(principal?.displayName === undefined ? {} : { displayName: principal.displayName }),
          },
          accessEpoch: asked.caller.accessEpoch,
          readScope: asked.access.readScope('tenancy.project.read') as WhoamiScope,
          ...(asked.entered?.expiresAt === undefined ? {} : { expiresAt: asked.entered.expiresAt.toISOString() }),
        },
      };
    },
  };
}

type WhoamiScope = InferOutput<typeof readScopeSchema>;
