import { problem } from '@sentral/contracts/problem';
import * as v from 'valibot';
import { readChangeLines } from './change-lines.js';
import type { Body, ChangeItem, ImportLimits } from './change-set.js';
import { listedDocuments, yamlDocuments } from './devicetype/documents.js';
import { translateDeviceTypes } from './devicetype/translate.js';
import { limited } from './limited.js';
import { translateNetbox } from './netbox/translate.js';
import { isPrefixPlan, translatePrefixPlan } from './plan/translate.js';
import { changeRowSchema, rowFault } from './row-schema.js';

/** Enough to see the first key of any of the formats behind a licence header. */
const headBytes = 64 * 1024;

interface Opened {
  readonly head: string;
  readonly body: Body;
}

/** Looks at the beginning and gives the whole body on. */
async function open(body: Body): Promise<Opened> {
  const iterator = body[Symbol.asyncIterator]();
  const pieces: Uint8Array[] = [];
  let size = 0;
  while (size < headBytes) {
    const next = await iterator.next();
    if (next.done === true) break;
    pieces.push(Uint8Array.from(next.value));
    size += next.value.byteLength;
  }
  const head = new TextDecoder().decode(Buffer.concat(pieces).subarray(0, headBytes));
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      yield* pieces;
      for (;;) {
        const next = await iterator.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { head, body: whole() };
}

/**
 * Reads an upload of any known format, which its content tells: a JSON array is a NetBox dump, lines of {path, text} are device type files,
 * other JSON lines a change set, YAML with `network::subnets` a prefix plan, other YAML device types.
 * @throws Problem malformed-request, content-too-large: the whole is refused then
 */
export async function* translate(body: Body, limits: ImportLimits): AsyncGenerator<ChangeItem> {
  const { head, body: whole } = await open(limited(body, limits.fileBytes));
  const text = head.replace(/^\uFEFF/, '').trimStart();
  if (text === '') throw problem('malformed-request', { position: 0 }, 'The file is empty.');
  // Binary formats (an archive, a spreadsheet) hold zero bytes early; text never does.
  if (text.includes('\u0000') || text.startsWith('\u001f'))
    throw problem('malformed-request', { position: 0 }, 'The file is binary; JSON, NDJSON or YAML is expected.');
  if (text.startsWith('[')) yield* asRows(translateNetbox(whole, limits));
  else if (text.startsWith('{'))
    yield* isListing(text)
      ? asRows(translateDeviceTypes(listedDocuments(whole, limits)))
      : readChangeLines(whole, limits);
  else if (isPrefixPlan(text)) yield* asRows(translatePrefixPlan(whole, limits));
  else if (/^(---|#|%|["']?[A-Za-z][\w-]*["']?:)/m.test(text))
    yield* asRows(translateDeviceTypes(yamlDocuments(whole, limits)));
  else
    throw problem(
      'malformed-request',
      { position: 0 },
      'The file is neither a NetBox dump, nor a change set, nor YAML of device types or prefixes.',
    );
}

/** What another format says becomes no row that a change set could not have: its words may be any. */
async function* asRows(items: AsyncIterable<ChangeItem>): AsyncGenerator<ChangeItem> {
  for await (const item of items) {
    const fault = item.item === 'row' ? rowFault(v.safeParse(changeRowSchema, item.row)) : undefined;
    if (item.item !== 'row' || fault === undefined) yield item;
    else yield { item: 'rejected', line: item.line, key: item.row.externalId, reason: fault };
  }
}

function isListing(head: string): boolean {
  const line = head.slice(0, head.indexOf('\n') < 0 ? undefined : head.indexOf('\n'));
  return /^\{\s*"path"\s*:/.test(line) || (/"text"\s*:/.test(line) && !/"(op|changeSet)"\s*:/.test(line));
}
