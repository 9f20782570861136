import { readdir, readFile } from 'node:fs/promises';
import type { Imported } from '@sentral/facts/resource';
import { defaultLimits, type ChangeItem, type ImportLimits } from '../../src/import/change-set.js';
import { translate } from '../../src/import/translate.js';

/** A file as it arrives: in pieces that split rows, strings and UTF-8 sequences. */
export async function* inPieces(bytes: Uint8Array | string, size = 61_441): AsyncGenerator<Uint8Array> {
  const all = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size);
}

export async function items(bytes: Uint8Array | string, limits: ImportLimits = defaultLimits): Promise<ChangeItem[]> {
  const out: ChangeItem[] = [];
  for await (const item of translate(inPieces(bytes), limits)) out.push(item);
  return out;
}

/** A NetBox dump of these rows. */
export function dumpOf(
  rows: readonly (readonly [model: string, pk: number | null, fields: Record<string, unknown>])[],
): string {
  return JSON.stringify(rows.map(([model, pk, fields]) => ({ model, ...(pk === null ? {} : { pk }), fields })));
}

/** A translator's output as the facts read it. */
export async function imported(bytes: Uint8Array | string): Promise<Imported> {
  const resources: Imported['resources'][number][] = [];
  const skipped = new Map<string, number>();
  const rejected: { key: string; reason: string }[] = [];
  for (const item of await items(bytes)) {
    if (item.item === 'skipped') skipped.set(item.model, item.count);
    else if (item.item === 'rejected') rejected.push({ key: item.key, reason: item.reason });
    else if (item.item === 'row' && item.row.op === 'upsert')
      resources.push({ externalId: item.row.externalId, ...item.row.resource });
  }
  return { resources, skipped, rejected };
}

/** A folder of device type files as NDJSON of {path, text}. */
export async function listing(folder: URL): Promise<string> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => /\.ya?ml$/.test(name)).sort();
  const lines = await Promise.all(
    names.map(async (path) =>
      JSON.stringify({
        path,
        text: await readFile(new URL(path.split('/').map(encodeURIComponent).join('/'), folder), 'utf8'),
      }),
    ),
  );
  return `${lines.join('\n')}\n`;
}
