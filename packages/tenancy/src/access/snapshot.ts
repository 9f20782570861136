import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Caller, GroupRef } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Credential } from '@sentral/contracts/tenancy/access';
import { inTransaction } from '@sentral/kernel/transaction';
import { recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { findUserRow, insertUser, userChange } from '../user/sql.js';
import { principalId, toHolding, toSnapshot, type StoredAccess } from './row.js';
import { earliest } from './rules.js';
import { findAccess, upsertTokenUse } from './sql.js';

type Snapshot = Result<'access', 'snapshot'>;

/**
 * Who a credential stands for, and all that decides what it may do. A person whom nobody has seen before gets a row, so
 * that it can be granted something; it may do nothing yet, but for what its groups may.
 * @throws Problem unauthenticated
 */
export async function snapshotOfAccess(
  deps: Deps,
  _caller: Caller,
  { credential }: Command<'access', 'snapshot'>,
): Promise<Snapshot> {
  if (credential.type === 'token') return answer(await ofToken(deps, credential), []);
  const { issuer, subject } = credential;
  const groups = [...new Set(credential.groups)].map((name) => ({ issuer, name }));
  return answer(await ofUser(deps, { issuer, subject }, groups), groups);
}

async function ofUser(
  deps: Deps,
  who: { issuer: string; subject: string },
  groups: readonly GroupRef[],
): Promise<StoredAccess> {
  const find = () => findAccess(deps.db.app, { by: 'subject', ...who }, groups);
  let row = await find();
  if (row === undefined) {
    await firstVisit(deps, who);
    row = await find();
  }
  // The key is taken by what is no person.
  if (row === undefined) throw problem('unauthenticated', { reason: 'invalid' });
  if (row.state !== 'active') throw problem('unauthenticated', { reason: 'revoked' });
  return row;
}

const door: Caller = {
  principal: { id: 'door', type: 'system' },
  accessEpoch: 0,
  readScope: { all: true },
  scopes: [],
};

/** Two first requests of one person race: the key decides, and both go on with the one row. */
async function firstVisit(deps: Deps, who: { issuer: string; subject: string }): Promise<void> {
  const id = deps.newId();
  await inTransaction(deps.db.app, async (tx) => {
    if (!(await insertUser(tx, { id, ...who, displayName: null }))) return;
    const after = await findUserRow(tx, id);
    await recordChanges(tx, door, [userChange(deps.seal, 'registered', { before: null, after })]);
  });
}

// Compared with when the id is unknown, so that an unknown token takes the same way as a wrong secret.
const nobodys = randomBytes(32);

async function ofToken(deps: Deps, credential: Credential & { type: 'token' }): Promise<StoredAccess> {
  const id = decodeId('tok', credential.id);
  const row = await findAccess(deps.db.app, { by: 'token', id }, []);
  const proven = timingSafeEqual(Buffer.from(credential.secretSha256, 'hex'), row?.secretSha256 ?? nobodys);
  // Only who has the secret hears what became of the token.
  if (row === undefined || row.secretSha256 === null || !proven)
    throw problem('unauthenticated', { reason: 'invalid' });
  if (row.tokenRevoked || row.state !== 'active') throw problem('unauthenticated', { reason: 'revoked' });
  if (row.tokenExpired !== false) throw problem('unauthenticated', { reason: 'expired' });
  if (row.useIsOld) noteUse(deps, id, credential.address);
  return row;
}

/** Nobody waits for it, and no request fails because of it. */
function noteUse(deps: Deps, id: string, address: string | undefined): void {
  upsertTokenUse(deps.db.app, id, address ?? null).catch((error: unknown) =>
    deps.telemetry.log('debug', 'the last use of a token was not written', { error }),
  );
}

function answer(row: StoredAccess, groups: GroupRef[]): Snapshot {
  const holding = toHolding(row, groups);
  const ends = earliest([row.tokenEndsAt, ...holding.grants.map(({ expiresAt }) => expiresAt)]);
  return {
    principal: {
      id: principalId(row.kind, row.id),
      type: row.kind,
      ...(row.displayName === null ? {} : { displayName: row.displayName }),
      groups,
      ...(row.tokenId === null ? {} : { tokenId: encodeId('tok', row.tokenId) }),
    },
    snapshot: toSnapshot(holding),
    ...(ends === null ? {} : { validUntil: ends.toISOString() }),
  };
}
