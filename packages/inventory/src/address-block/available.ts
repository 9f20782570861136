import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { readDb, sightOf } from '../reading.js';
import { contentOf } from './content.js';
import { bitsOf, readNet } from './net.js';
import { availability } from './rules.js';
import { findBlock, findBlockContent } from './sql.js';

/**
 * What of a prefix is free: addresses by the rules of their family, and blocks between its children.
 * @throws Problem not-found, invalid-parameter
 */
export async function availableInBlock(
  deps: Deps,
  caller: Caller,
  command: Command<'addressBlock', 'available'>,
): Promise<Result<'addressBlock', 'available'>> {
  const db = readDb(deps, caller);
  const sight = sightOf(caller);
  const row = await findBlock(db, sight, decodeId('blk', command.id));
  const net = row === undefined ? undefined : readNet(row.cidr);
  if (row === undefined || net === undefined || row.endedAt !== null)
    throw problem('not-found', { resourceType: 'addressBlock' });
  const length = command.prefixLength;
  if (length !== undefined && (length < net.length || length > bitsOf(net.family))) {
    throw problem('invalid-parameter', {
      parameter: 'prefixLength',
      allowed: `${net.length} to ${bitsOf(net.family)}`,
    });
  }
  const content = contentOf(row, await findBlockContent(db, sight, row.id));
  const { addressLimit, blockLimit } = command;
  return {
    blockId: command.id,
    cidr: row.cidr,
    ...availability(net, content, { addressLimit, blockLimit, prefixLength: length }),
  };
}
