import type { Implements } from '@sentral/contracts/contract';
import type { tenancy } from '@sentral/contracts/tenancy';
import type { Credential } from '@sentral/contracts/tenancy/access';
import { startLoop, type Loop } from '@sentral/kernel/relay';
import type { Telemetry } from '@sentral/kernel/telemetry';
import { shared } from './shared.js';

type Access = Implements<typeof tenancy>['access'];
type Epoch = Awaited<ReturnType<Access['epoch']>>;

/** Who a credential stands for and what decides what it may do, as tenancy said a moment ago. */
export type Session = Awaited<ReturnType<Access['snapshot']>>;

export interface Sessions {
  /** From the cache, at most `cacheMs` old and never older than the last change of access that was heard of. */
  open(credential: Credential): Promise<Session>;
  /** Asks for the epoch first and reads anew when it moved: a request that comes after a revocation was answered is refused. */
  openFresh(credential: Credential): Promise<Session>;
  /** Something of access was changed here: whoever is answered from now on is judged by that. */
  changed(): Promise<void>;
  /** What the last poll said of the installation; undefined before the first. */
  installation(): Epoch | undefined;
  stop(): Promise<void>;
}

/** Nobody can grant anything yet, and no route leads there. */
export const noAdministrator =
  'This installation has no administrator: run `sentral-migrator bootstrap-admin --subject <issuer>#<subject>`.';

/** How old a snapshot may be that a read is decided on (api.md B.6). */
const cacheMs = 5_000;
const pollMs = 1_000;
/** So many principals are remembered at once; the one that was loaded first goes first. */
const rememberedMax = 20_000;

interface Entry {
  readonly session: Promise<Session>;
  readonly loadedAt: number;
}

/** The facade's memory of access. It holds nothing that tenancy has not said, and forgets all of it when the epoch moves. */
export function createSessions(use: { access: Access; telemetry: Telemetry }): Sessions {
  const entries = new Map<string, Entry>();
  let epoch = -1;
  let last: Epoch | undefined;

  const heard = (said: Epoch): void => {
    if (said.administrators === 0 && last?.administrators !== 0) {
      use.telemetry.log('warn', noAdministrator, {});
    }
    last = said;
    if (said.epoch === epoch) return;
    epoch = said.epoch;
    entries.clear();
  };

  const ask = shared(async (): Promise<Epoch> => {
    const said = await use.access.epoch(facade, {});
    heard(said);
    return said;
  });

  const open = async (credential: Credential): Promise<Session> => {
    const key = keyOf(credential);
    const known = entries.get(key);
    if (known !== undefined && performance.now() - known.loadedAt < cacheMs) {
      const session = await known.session;
      if (session.validUntil === undefined || Date.parse(session.validUntil) > Date.now()) return session;
    }
    return load(key, credential);
  };

  // One question at a time for one credential: a thousand requests of one caller read its grants once.
  const load = async (key: string, credential: Credential): Promise<Session> => {
    const entry: Entry = { session: use.access.snapshot(facade, { credential }), loadedAt: performance.now() };
    entries.delete(key);
    entries.set(key, entry);
    if (entries.size > rememberedMax) entries.delete(entries.keys().next().value as string);
    try {
      const session = await entry.session;
      // A change that was heard of while this was being read may be missing in it.
      if (session.snapshot.epoch < epoch && entries.get(key) === entry) entries.delete(key);
      return session;
    } catch (error) {
      if (entries.get(key) === entry) entries.delete(key);
      throw error;
    }
  };

  const poll: Loop = startLoop(async () => void (await ask()), {
    pollMs: [pollMs, pollMs],
    failed: (error) => use.telemetry.log('warn', 'the access epoch cannot be read; grants are read anew', { error }),
    ended: () => Promise.resolve(),
  });

  return {
    open,
    openFresh: async (credential) => {
      const said = await ask();
      const session = await open(credential);
      // Another request may have begun to read the grants before the change that this one must not miss.
      return session.snapshot.epoch >= said.epoch ? session : load(keyOf(credential), credential);
    },
    // Away, it cannot say what moved; then nothing that is remembered counts.
    changed: () =>
      ask().then(
        () => undefined,
        () => entries.clear(),
      ),
    installation: () => last,
    stop: () => poll.stop(),
  };
}

/** The facade asks for itself, before there is anyone to ask for. */
export const facade = {
  principal: { id: 'facade', type: 'system' as const },
  accessEpoch: 0,
  readScope: { all: true as const },
  scopes: [],
};

function keyOf(credential: Credential): string {
  return credential.type === 'token'
    ? `token ${credential.id} ${credential.secretSha256}`
    : JSON.stringify([credential.issuer, credential.subject, [...credential.groups].sort()]);
}
