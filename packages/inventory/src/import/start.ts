import { isStorableText } from '@sentral/contracts/api/common';
import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Import } from '@sentral/contracts/inventory/import';
import { isProblem, problem, problems } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { judged } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { defaultLimits, type ChangeItem, type ImportLimits } from './change-set.js';
import { toImport } from './row.js';
import { chunksOf, deleteImport, insertImportRow, lockImport, queueImport, type StagedRow } from './sql.js';
import { lockStaging } from './stage.js';
import { translate } from './translate.js';

/** Rows of a statement: a change set of 100,000 lines takes a hundred, and memory holds one of them. */
const batchRows = 1000;
/** Reading 64 MiB takes seconds; the pool's limits are made for requests. */
const settings = { statement_timeout: '60s', idle_in_transaction_session_timeout: '60s' };

/**
 * Says that the file is whole: it is read to the end, and either all its rows are staged or the file is refused and everything of it gone.
 * @throws Problem not-found, state-conflict, malformed-request
 */
export async function startImport(deps: Deps, _caller: Caller, command: Command<'import', 'start'>): Promise<Import> {
  const id = decodeId('imp', command.id);
  try {
    return await judged(
      inTransaction(deps.db.app, (tx) => started(tx, id, command.chunks), { settings, deadlineMs: 120_000 }),
    );
  } catch (error) {
    // The file itself is at fault, and no other start will read it better. Missing pieces may still come.
    const tooLarge = isProblem(error, 'content-too-large');
    if (!tooLarge && !(isProblem(error, 'malformed-request') && error.facts['retryable'] !== true)) throw error;
    await inTransaction(deps.db.app, (tx) => deleteImport(tx, id));
    // The bytes were counted while they came; what is too large here is a row or their number, and the contract calls that malformed.
    throw tooLarge ? problem('malformed-request', error.facts, error.detail) : error;
  }
}

async function started(tx: Tx, id: string, chunks: number): Promise<Import> {
  const current = await lockImport(tx, id);
  // Started already: a repeated call is the same call.
  if (current !== undefined && (current.state === 'queued' || current.state === 'running')) return toImport(current);
  const { chunks: had } = await lockStaging(tx, id);
  if (had !== chunks)
    throw problem(
      'malformed-request',
      { expected: chunks, received: had, retryable: true },
      `The file has ${chunks} pieces and ${had} have come.`,
    );
  const rowsTotal = await stageRows(tx, id, translate(chunksOf(tx, id, chunks), defaultLimits));
  await queueImport(tx, id, rowsTotal);
  const row = await lockImport(tx, id);
  if (row === undefined) throw problem('not-found', { resourceType: 'import' });
  return toImport(row);
}

/** Writes what a translator gives as staged rows and tells how many wait to be applied. */
export async function stageRows(
  tx: Tx,
  importId: string,
  items: AsyncIterable<ChangeItem>,
  limits: ImportLimits = defaultLimits,
): Promise<number> {
  let batch: StagedRow[] = [];
  let line = 0;
  let waiting = 0;
  for await (const item of items) {
    if (item.item !== 'head') line = Math.max(line + 1, item.item === 'skipped' ? 0 : item.line);
    const row = stagedRow(item, item.item === 'head' ? 0 : line);
    if (row.outcome === null && row.line > 0) waiting += 1;
    if (waiting > limits.lines)
      throw problem('content-too-large', { maxLines: limits.lines }, `The file has more than ${limits.lines} rows.`);
    batch.push(row);
    if (batch.length === batchRows) {
      await insertImportRow(tx, importId, batch);
      batch = [];
    }
  }
  if (batch.length > 0) await insertImportRow(tx, importId, batch);
  return waiting;
}

function stagedRow(item: ChangeItem, line: number): StagedRow {
  const empty = { line, resource_type: null, if_match: null, resource: null, outcome: null, problem: null };
  switch (item.item) {
    case 'head':
      return { ...empty, op: 'skip', external_id: '#head', resource: { format: item.format, complete: item.complete } };
    case 'skipped':
      return {
        ...empty,
        op: 'skip',
        external_id: kept(item.model),
        resource: { count: item.count },
        outcome: 'skipped',
      };
    case 'rejected':
      return {
        ...empty,
        op: 'upsert',
        external_id: kept(item.key),
        outcome: 'refused',
        problem: { code: 'validation-failed', ...problems['validation-failed'], detail: kept(item.reason) },
      };
    case 'row': {
      if (!canBeKept(item.row))
        return stagedRow({ item: 'rejected', line, key: item.row.externalId, reason: noText }, line);
      const { op, externalId, ifMatch } = item.row;
      const resource = item.row.op === 'upsert' ? item.row.resource : undefined;
      return {
        ...empty,
        op,
        external_id: externalId,
        if_match: ifMatch ?? null,
        resource_type: resource?.type ?? null,
        resource: resource ?? null,
      };
    }
  }
}

const noText = 'It holds text with NUL or half of a surrogate pair, which cannot be kept.';

function canBeKept(value: unknown): boolean {
  if (typeof value === 'string') return isStorableText(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, each]) => isStorableText(name) && canBeKept(each));
}

/** With U+FFFD for what cannot be kept: a key and a reason are shown even so. */
const kept = (text: string): string => Buffer.from(text).toString().replaceAll('\u0000', '\uFFFD');
