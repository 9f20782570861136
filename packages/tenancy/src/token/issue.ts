import type { ScopeRef } from '@sentral/contracts/access';
import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import { liveTokensMax, tokenDaysMax } from '@sentral/contracts/tenancy/principal';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Result } from '../command.js';
import type { Deps } from '../deps.js';
import type { AccountRow } from '../service-account/sql.js';
import { refuseExcess } from './guard.js';
import { mintSecret } from './mint.js';
import { findSecondsUntil, insertToken } from './sql.js';

/** The id of a token to be, and the digest of its secret. */
export interface Minted {
  readonly id: string;
  readonly sha256: Uint8Array;
}

/** A change that makes a token. Its text is in the first answer and nowhere else: what is stored for a repeated key has no secret. */
export async function inIssue(
  deps: Deps,
  caller: Caller,
  work: (tx: Tx, minted: Minted) => Promise<Result<'token', 'create'>>,
): Promise<Result<'token', 'create'>> {
  const id = deps.newId();
  const { text, sha256 } = mintSecret(id);
  const made = await inChange(deps, caller, (tx) => work(tx, { id, sha256 }));
  return made.replayed === true || caller.dryRun === true ? made : { ...made, secret: text };
}

/**
 * Writes the token, once its creator is found to hold all that it grants, for as long as it grants it.
 * @throws Problem permission-denied | validation-failed | state-conflict
 */
export async function issueToken(
  tx: Tx,
  caller: Caller,
  token: Minted & {
    readonly needs: 'tenancy.token.create' | 'tenancy.token.rotate';
    readonly account: AccountRow;
    readonly name: string;
    readonly permissions: readonly string[] | null;
    readonly limit: ScopeRef | null;
    readonly limitScopeId: string | null;
    readonly expiresAt: string | undefined;
  },
): Promise<void> {
  const { id, sha256, account, name, permissions, limitScopeId, expiresAt } = token;
  const heldUntil = await refuseExcess(tx, caller, token);
  await expectLifetime(tx, expiresAt, heldUntil);
  await insertToken(tx, {
    id,
    accountId: account.id,
    tenantId: account.tenantId,
    name,
    permissions,
    limitScopeId,
    createdBy: caller.principal.id,
    expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
    notAfter: heldUntil,
    sha256,
  });
}

/**
 * @throws Problem validation-failed for an end in the past, or more than a year ahead
 * @throws Problem state-conflict for one after the creator's own
 */
async function expectLifetime(tx: Tx, expiresAt: string | undefined, heldUntil: Date | null): Promise<void> {
  if (expiresAt === undefined) return;
  const seconds = await findSecondsUntil(tx, expiresAt);
  if (seconds <= 0 || seconds > tokenDaysMax * 86_400) {
    const message = `must lie in the future, at most ${tokenDaysMax} days`;
    throw problem('validation-failed', { errors: [{ pointer: '/expiresAt', code: 'out_of_bounds', message }] });
  }
  if (heldUntil === null || new Date(expiresAt) <= heldUntil) return;
  throw problem(
    'state-conflict',
    { state: 'held for a time', allowedStates: [], heldUntil: heldUntil.toISOString() },
    'A token does not outlive what its creator holds.',
  );
}

/** @throws Problem state-conflict when an account would have more live tokens than it may */
export function expectRoom(live: number): void {
  if (live < liveTokensMax) return;
  throw problem(
    'state-conflict',
    { state: `${live} live tokens`, allowedStates: [] },
    `An account has at most ${liveTokensMax} live tokens: rotate one, or revoke one.`,
  );
}
