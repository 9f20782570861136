import type { Caller } from '@sentral/contracts/contract';
import { isProblem, problem } from '@sentral/contracts/problem';
import type { RouteDef } from '@sentral/contracts/route';
import type { Authenticate } from './authenticate.js';
import { authorize, callerOf, type Authorized, type Target } from './authorize.js';
import type { Lineage } from './lineage.js';
import type { Locate } from './locate.js';
import type { RateLimiter } from './rate-limit.js';
import { noAdministrator, type Session, type Sessions } from './sessions.js';

/** Who came in, and when its credential ends. */
export interface Entered {
  readonly session: Session;
  readonly expiresAt: Date | undefined;
  /** Who a person is to its issuer, for audit alone; a service account is no person. */
  readonly actor: { readonly issuer: string; readonly subject: string; readonly displayName?: string } | undefined;
  /** What is left of its rate, for the answer. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Who was let in, where, and by which binding. */
interface Let extends Pick<Authorized, 'access' | 'chain'> {
  readonly caller: Caller;
  readonly via: string | undefined;
}

export interface Door {
  /** @throws Problem unauthenticated | rate-limited */
  enter(request: { authorization: string | undefined; address: string; changes: boolean }): Promise<Entered>;
  /** @throws Problem not-found | permission-denied */
  authorize(entered: Entered, asked: { def: RouteDef; target: Target }): Promise<Let>;
  /** After a change: what it granted or took is known here before its answer leaves. */
  changed(def: RouteDef): Promise<void>;
}

interface Use {
  readonly authenticate: Authenticate;
  readonly sessions: Sessions;
  readonly lineage: Lineage;
  readonly locate: Locate;
  readonly limiter: RateLimiter;
}

/** The way in: who is it, how often, and may it. Nothing behind it asks again. */
export function createDoor(use: Use): Door {
  return {
    async enter({ authorization, address, changes }) {
      try {
        const { credential, expiresAt } = await use.authenticate(authorization);
        // A change is decided on grants as they are, a read on those of at most five seconds ago.
        const session = await (changes ? use.sessions.openFresh(credential) : use.sessions.open(credential));
        return {
          session,
          actor: credential.type === 'oidc' ? actorOf(credential, session) : undefined,
          expiresAt: expiresAt ?? (session.validUntil === undefined ? undefined : new Date(session.validUntil)),
          headers: use.limiter.take(session.principal.id, changes ? 'write' : 'read'),
        };
      } catch (error) {
        if (isProblem(error, 'unauthenticated')) use.limiter.failed(address);
        throw error;
      }
    },
    async authorize({ session }, asked) {
      try {
        const authorized = await authorize(use, session, asked);
        const { access, via, chain } = authorized;
        return { caller: callerOf(session, authorized), access, via, chain };
      } catch (error) {
        if (!isProblem(error, 'permission-denied') || use.sessions.installation()?.administrators !== 0) throw error;
        throw problem('permission-denied', error.facts, noAdministrator);
      }
    },
    async changed({ method, permission }) {
      if (method !== 'GET' && permission?.startsWith('tenancy.') === true) await use.sessions.changed();
    },
  };
}

function actorOf({ issuer, subject }: { issuer: string; subject: string }, { principal }: Session): Entered['actor'] {
  const { displayName } = principal;
  return { issuer, subject, ...(displayName === undefined ? {} : { displayName }) };
}
