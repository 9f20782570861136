import type { importRoutes } from '@sentral/contracts/api/inventory/imports';
import type { Caller } from '@sentral/contracts/contract';
import type { Id } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { requireIdempotencyKey, type Asked, type Handlers } from '../http/mount.js';
import { listed, openCursor, shown } from './shape.js';
import type { World } from './world.js';

/** A file, and one piece of it on the way to inventory. */
export const importLimitBytes = 64 * 1_048_576;
const pieceChars = 512 * 1024;

export function importHandlers({ inventory, cursors }: World): Handlers<typeof importRoutes> {
  return {
    createImport: async ({ query }, asked) => {
      requireIdempotencyKey(asked);
      // Looked at before anything is made: a file that says it is too large leaves nothing behind.
      if (Number(asked.raw.headers.get('content-length') ?? 0) > importLimitBytes)
        throw problem('content-too-large', { limitBytes: importLimitBytes });
      const opened = await inventory.import.create(asked.caller, {
        ...query,
        mayMakeTenants: asked.access.may('tenancy.tenant.create'),
      });
      const started = opened.state === 'staging' ? await stageAll(inventory, asked, opened.id) : opened;
      return { status: 202, body: started, headers: { location: `/v1/imports/${started.id}`, 'retry-after': '1' } };
    },
    listImports: async ({ query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.import.list(asked.caller, { ...openCursor(cursors, asked, query), state: query.state }),
      ),
    getImport: async ({ params }, asked) => shown(await inventory.import.get(asked.caller, params)),
    listImportResults: async ({ params, query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.import.results(asked.caller, {
          ...params,
          ...openCursor(cursors, asked, query),
          outcome: query.outcome,
        }),
      ),
    cancelImport: async ({ params }, asked) =>
      shown(
        await inventory.import.cancel(asked.caller, {
          ...params,
          version: asked.ifMatch === 'any' ? undefined : asked.ifMatch,
        }),
      ),
  };
}

/** Hands the body on piece by piece; whatever goes wrong, the import is cancelled and nothing of it is applied. */
async function stageAll(inventory: World['inventory'], asked: Asked, id: Id<'imp'>) {
  // Under the key of the whole request only create is remembered; a piece is known by its ordinal.
  const { idempotency: _, ...caller } = asked.caller;
  try {
    const chunks = await stagePieces(inventory, { caller, raw: asked.raw }, id);
    return await inventory.import.start(caller, { id, chunks });
  } catch (error) {
    await inventory.import.cancel(caller, { id }).catch(() => undefined);
    throw error;
  }
}

async function stagePieces(
  inventory: World['inventory'],
  { caller, raw }: { caller: Caller; raw: Request },
  id: Id<'imp'>,
): Promise<number> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let ordinal = 0;
  let pending = '';
  let size = 0;
  const decode = (bytes?: Uint8Array) => {
    let text: string;
    try {
      text = bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      throw problem('malformed-request', {}, 'The file is not UTF-8.');
    }
    if (text.includes('\u0000'))
      throw problem('malformed-request', {}, 'The file is binary; JSON, NDJSON or YAML is expected.');
    return text;
  };
  const flush = async (least: number) => {
    while (pending.length >= least && pending.length > 0) {
      const content = pieceOf(pending);
      await inventory.import.stage(caller, { id, ordinal, content });
      pending = pending.slice(content.length);
      ordinal += 1;
    }
  };
  for await (const bytes of raw.body ?? []) {
    size += (bytes as Uint8Array).length;
    if (size > importLimitBytes) throw problem('content-too-large', { limitBytes: importLimitBytes });
    pending += decode(bytes as Uint8Array);
    await flush(pieceChars);
  }
  pending += decode();
  await flush(1);
  return ordinal;
}

/** The next piece; a character of two units is not cut through. */
function pieceOf(text: string): string {
  const cutsPair = /[\uD800-\uDBFF]/.test(text.charAt(pieceChars - 1)) && text.length > pieceChars;
  return text.slice(0, cutsPair ? pieceChars - 1 : pieceChars);
}
