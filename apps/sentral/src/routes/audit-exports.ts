import type { auditExportRoutes } from '@sentral/contracts/api/audit/exports';
import type { Caller } from '@sentral/contracts/contract';
import { encodeId, parseId, type Id } from '@sentral/contracts/ids';
import type { Permission } from '@sentral/contracts/permissions';
import { problem } from '@sentral/contracts/problem';
import { platformScopeId } from '@sentral/contracts/contract';
import { requireIdempotencyKey, requireVersion, type Asked, type Handlers } from '../http/mount.js';
import { intentOf, without } from '../workflows/begin.js';
import { listed, openCursor, shown } from './shape.js';
import { begunOf } from './tasks.js';
import type { World } from './world.js';

export function auditExportHandlers(world: World): Handlers<typeof auditExportRoutes> {
  const { audit, task, cursors } = world;
  return {
    createAuditExport: async ({ query, body }, asked) => {
      requireIdempotencyKey(asked);
      expectMay(asked, 'audit.record.read');
      if (body.personal) expectMay(asked, 'audit.personal.read');
      const { taskId, task: earlier } = await intentOf(world, asked);
      if (earlier !== undefined) return begunOf(asked, earlier);
      // In the order of every command over two contexts: what the task is about, then the task. One that dies in between is gone on with by a retry.
      const { id } = await audit.export.create(without(asked.caller), { ...body, scopeId: query.scope, taskId });
      const command = { id: taskId, kind: 'audit.export', scopeId: query.scope, input: { exportId: id } };
      return begunOf(asked, await task.task.create(asked.caller, command));
    },
    listAuditExports: async ({ query }, asked) =>
      listed(
        cursors,
        asked,
        await audit.export.list(asked.caller, { state: query.state, ...openCursor(cursors, asked, query) }),
      ),
    getAuditExport: async ({ params }, asked) => shown(await audit.export.get(asked.caller, params)),
    getAuditExportFile: async ({ params }, asked) => {
      expectMay(asked, 'audit.record.read');
      const { personal } = await audit.export.get(asked.caller, { id: params.id });
      if (personal) expectMay(asked, 'audit.personal.read');
      return fileOf(audit, asked.caller, { id: params.id, name: params.file });
    },
    deleteAuditExport: async ({ params }, asked) =>
      shown(await audit.export.remove(asked.caller, { ...params, version: requireVersion(asked) })),
  };
}

/** @throws Problem permission-denied */
function expectMay({ access, chain }: Asked, permission: Permission): void {
  if (access.may(permission)) return;
  const scope = chain.at(-1)?.id ?? platformScopeId;
  throw problem('permission-denied', { missingPermission: permission, scope });
}

/** A file piece by piece, each asked for when the one before it was taken. */
async function fileOf({ export: of }: World['audit'], caller: Caller, { id, name }: { id: Id<'exp'>; name: string }) {
  let piece = await of.file(caller, { id, name });
  const { file } = piece;
  let first = true;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!first && piece.next === undefined) return controller.close();
        // Taken away meanwhile: the connection breaks off, before the length that it was promised.
        if (!first) piece = await of.file(caller, { id, name, offset: piece.next ?? 0 });
        first = false;
        controller.enqueue(Buffer.from(piece.content, 'base64'));
        if (piece.next === undefined) controller.close();
      },
    },
    { highWaterMark: 1 },
  );
  const headers = {
    'content-type': name.endsWith('.gz') ? 'application/gzip' : 'application/json',
    'content-length': String(file.bytes),
    'content-disposition': `attachment; filename="${encodeId('exp', parseId(id).uuid)}-${name}"`,
    'repr-digest': `sha-256=:${file.sha256}:`,
  };
  return { status: 200 as const, body: body as never, headers };
}
