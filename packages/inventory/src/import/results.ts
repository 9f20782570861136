import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { query } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { page, readCursor } from '../reading.js';
import { tables } from './apply/tables.js';
import type { Resource } from './change-set.js';
import { getImport } from './get.js';

type Item = Result<'import', 'results'>['items'][number];

interface Row {
  readonly line: number;
  readonly externalId: string;
  readonly resourceType: Resource['type'] | null;
  readonly outcome: Item['outcome'] | null;
  readonly resourceId: string | null;
  readonly problem: Item['problem'] | null;
}

/**
 * What became of each row, in the order of the file.
 * @throws Problem not-found, invalid-cursor
 */
export async function listImportResults(
  deps: Deps,
  caller: Caller,
  command: Command<'import', 'results'>,
): Promise<Result<'import', 'results'>> {
  await getImport(deps, caller, { id: command.id });
  const asked = query();
  asked.and(`import_id = ${asked.value(decodeId('imp', command.id))}::uuid`);
  asked.and('line > 0');
  const after = readCursor(command.cursor, ['number']);
  if (after !== undefined) asked.and(`line > ${asked.value(after[0])}::integer`);
  if (command.outcome !== undefined) asked.and(`outcome = any(${asked.value(command.outcome)}::text[])`);
  const rows = (await deps.db.platform.unsafe(
    `select line, external_id as "externalId", resource_type as "resourceType", outcome, resource_id as "resourceId", problem from import_row
     ${asked.where()} order by line limit ${asked.value(command.limit + 1)}`,
    [...asked.params],
  )) as unknown as readonly Row[];
  return page(rows, command.limit, { item: toResult, keys: ({ line }) => [line] });
}

function toResult({ line, externalId, resourceType, outcome, resourceId, problem }: Row): Item {
  const prefix = resourceType === null ? undefined : resourceType === 'tenant' ? 'tnt' : tables[resourceType].prefix;
  return {
    line,
    externalId,
    ...(outcome === null ? {} : { outcome }),
    ...(prefix === undefined || resourceId === null ? {} : { id: encodeId(prefix, resourceId) }),
    ...(problem === null ? {} : { problem }),
  };
}
