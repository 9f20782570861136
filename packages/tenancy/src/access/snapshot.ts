import { createHash, timingSafeEqual } from 'node:crypto';
import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Credential } from '@sentral/contracts/tenancy/access';
import { inTransaction } from '@sentral/kernel/transaction';
import { recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { scopeId } from '../scope/row.js';
import { findUserRow, insertUser, toUser } from '../user/sql.js';
import { findSnapshot, findToken, findUser, upsertTokenUse, type PrincipalRow, type TokenRow } from './sql.js';

type Snapshot = Result<'access', 'snapshot'>;

/**
 * Who a credential stands for, and all that decides what it may do. A person whom nobody has seen before gets a row, so
 * that it can be granted something; it may do nothing yet.
 * @throws Problem unauthenticated
 */
export async function snapshotOfAccess(
  deps: Deps,
  _caller: Caller,
  { credential }: Command<'access', 'snapshot'>,
): Promise<Snapshot> {
  return credential.type === 'oidc' ? ofUser(deps, credential) : ofToken(deps, credential);
}

async function ofUser(deps: Deps, credential: Credential & { type: 'oidc' }): Promise<Snapshot> {
  const { issuer, subject } = credential;
  const user = (await findUser(deps.db.platform, issuer, subject)) ?? (await firstVisit(deps, issuer, subject));
  if (user.state !== 'active') throw problem('unauthenticated', { reason: 'revoked' });
  const groups = credential.groups.map((name) => ({ issuer, name }));
  const { snapshot, firstExpiry } = await findSnapshot(deps.db.platform, { id: user.id, kind: 'user', groups });
  return {
    principal: {
      id: encodeId('usr', user.id),
      type: 'user',
      ...(user.displayName === null ? {} : { displayName: user.displayName }),
      groups,
    },
    snapshot,
    ...(firstExpiry === null ? {} : { validUntil: firstExpiry.toISOString() }),
  };
}

const door: Caller = {
  principal: { id: 'door', type: 'system' },
  accessEpoch: 0,
  readScope: { all: true },
  scopes: [],
};

/** Two first requests of one person race: the key decides, and both go on with the one row. */
async function firstVisit(deps: Deps, issuer: string, subject: string): Promise<PrincipalRow> {
  const id = deps.newId();
  await inTransaction(deps.db.app, async (tx) => {
    if (!(await insertUser(tx, { id, issuer, subject, displayName: null }))) return;
    const row = await findUserRow(tx, id);
    await recordChanges(tx, door, [{ what: 'user.registered', id, version: 1, after: toUser(row) }]);
  });
  const user = await findUser(deps.db.app, issuer, subject);
  if (user === undefined) throw new Error('a user that was registered is not there');
  return user;
}

// Compared with when the id is unknown, so that an unknown token takes as long as a wrong secret.
const nobodys = createHash('sha256').update('no token has this secret').digest();

async function ofToken(deps: Deps, credential: Credential & { type: 'token' }): Promise<Snapshot> {
  const token = await findToken(deps.db.app, decodeId('tok', credential.id));
  const proven = timingSafeEqual(Buffer.from(credential.secretSha256, 'hex'), token?.sha256 ?? nobodys);
  if (token === undefined || !proven) throw problem('unauthenticated', { reason: 'invalid' });
  if (token.revoked || token.accountState !== 'active') throw problem('unauthenticated', { reason: 'revoked' });
  if (token.expired) throw problem('unauthenticated', { reason: 'expired' });
  if (token.useIsOld) noteUse(deps, token.id, credential.address);
  const { snapshot, firstExpiry } = await findSnapshot(deps.db.platform, {
    id: token.accountId,
    kind: 'service',
    groups: [],
  });
  const ends = Math.min(Number(token.expiresAt), firstExpiry === null ? Infinity : Number(firstExpiry));
  return {
    principal: {
      id: encodeId('sac', token.accountId),
      type: 'service',
      ...(token.displayName === null ? {} : { displayName: token.displayName }),
      groups: [],
      tokenId: credential.id,
    },
    snapshot: { ...snapshot, token: limitsOf(token) },
    validUntil: new Date(ends).toISOString(),
  };
}

/** What a token takes away from what its account may do. */
export function limitsOf(
  token: Pick<
    TokenRow,
    'permissions' | 'scopeId' | 'scopeKind' | 'scopeParentId' | 'scopeParentKind' | 'scopeTenantId'
  >,
): NonNullable<Snapshot['snapshot']['token']> {
  return {
    ...(token.permissions === null ? {} : { permissions: [...token.permissions] }),
    ...(token.scopeId === null || token.scopeKind === null
      ? {}
      : {
          scope: {
            id: scopeId(token.scopeKind, token.scopeId),
            kind: token.scopeKind,
            parentId:
              token.scopeParentId === null || token.scopeParentKind === null
                ? null
                : scopeId(token.scopeParentKind, token.scopeParentId),
            tenantId: token.scopeTenantId === null ? null : encodeId('tnt', token.scopeTenantId),
          },
        }),
  };
}

/** Nobody waits for it, and no request fails because of it. */
function noteUse(deps: Deps, id: string, address: string | undefined): void {
  upsertTokenUse(deps.db.app, id, address ?? null).catch((error: unknown) =>
    deps.telemetry.log('debug', 'the last use of a token was not written', { error }),
  );
}
