import type { Sealed } from '@sentral/contracts/audit-seal';
import type { Caller, Implements } from '@sentral/contracts/contract';
import type { audit } from '@sentral/contracts/audit';
import { isId, prefixes, type Id, type Prefix } from '@sentral/contracts/ids';
import { isProblem, problem, type Problem } from '@sentral/contracts/problem';
import type { RouteDef } from '@sentral/contracts/route';
import { startLoop, type Loop } from '@sentral/kernel/relay';
import type { Telemetry } from '@sentral/kernel/telemetry';
import { nobody, scopeOf } from '../auth/authorize.js';
import type { Entered } from '../auth/door.js';
import type { Lineage, ScopeId } from '../auth/lineage.js';
import { levelOf, type Outcome } from './levels.js';
import type { Asked } from './mount.js';
import { withSealed } from './sealed.js';

type Report = Parameters<Implements<typeof audit>['request']['report']>[1];

/** A request as far as it has come: who, once it has come in; what may be said of it, once it was let through. */
export interface Story {
  readonly def: RouteDef;
  readonly requestId: string;
  readonly id: string | undefined;
  /** Where it came from and who sent it, as audit gets it. */
  readonly sealed: () => Sealed;
  entered?: Entered;
  asked?: Asked;
}

export interface Trail {
  /** Puts a read on record where its level asks for it. @throws when it cannot be: then nobody gets to see what was read */
  answered(story: Story, body: unknown): Promise<void>;
  /** Sees to it that a refusal or a failure comes on record; the answer does not wait for it. */
  refused(story: Story, error: unknown): void;
  /** How many refusals could not be put on record since one last could. */
  missing(): number;
  stop(): Promise<void>;
}

/** Alike within a minute: told once when it happens, and once more with the count of the others. */
interface Entry {
  readonly caller: Caller;
  readonly report: Report;
  /** Where it was decided, if that must be looked up. */
  readonly scopeId: ScopeId | undefined;
  repeats: number;
}

const minuteMs = 60_000;
const entriesMax = 10_000;
/** A prober that asks for ever other ids is told of without them beyond this. */
const resourcesMax = 60;
const atOnceMax = 4;

/** What the facade puts on record itself: requests that no context records, because they changed nothing (audit.md 4.4). */
export function createTrail(use: {
  report: Implements<typeof audit>['request']['report'];
  lineage: Lineage;
  telemetry: Telemetry;
}): Trail {
  let entries = new Map<string, Entry>();
  let resourcesOf = new Map<string, number>();
  const waiting: Entry[] = [];
  const running = new Set<Promise<void>>();
  let lost = 0;

  const put = async ({ caller, report, scopeId, repeats }: Entry): Promise<void> => {
    try {
      // What lies nowhere any more is the platform's to know.
      const place = scopeId === undefined ? {} : scopeOf(await use.lineage.of(scopeId).catch(() => []));
      await use.report(caller, { ...report, ...place, ...(repeats === 0 ? {} : { count: repeats }) });
      lost = 0;
    } catch (error) {
      lost += 1;
      use.telemetry.count('audit.lost');
      use.telemetry.log('error', 'a refusal could not be put on record', {
        operation: caller.request?.operation,
        error,
      });
    }
  };
  const pump = (): void => {
    while (running.size < atOnceMax && waiting.length > 0) {
      const work: Promise<void> = put(waiting.shift() as Entry).finally(() => {
        running.delete(work);
        pump();
      });
      running.add(work);
    }
  };
  const flush = (): void => {
    waiting.push(...[...entries.values()].filter(({ repeats }) => repeats > 0));
    entries = new Map();
    resourcesOf = new Map();
    pump();
  };
  const loop: Loop = startLoop(async () => flush(), {
    pollMs: [minuteMs, minuteMs],
    failed: () => undefined,
    ended: async () => {
      flush();
      while (running.size > 0) await Promise.all(running);
    },
  });

  const note = (key: string, entry: Entry): void => {
    const known = entries.get(key);
    if (known !== undefined) {
      known.repeats += 1;
      return;
    }
    if (entries.size + waiting.length >= entriesMax) {
      lost += 1;
      use.telemetry.count('audit.lost');
      return;
    }
    entries.set(key, entry);
    waiting.push({ ...entry });
    pump();
  };

  return {
    async answered(story, body) {
      const { asked, entered } = story;
      if (asked === undefined || entered === undefined || asked.dryRun) return;
      const glass = entered.session.snapshot.grants.find(({ breakGlass }) => breakGlass === true);
      if (levelOf({ ...outcomeOf(story, 'success'), brokenGlass: glass !== undefined }) === 'none') return;
      const place = glass === undefined ? await readIn(use.lineage, asked, body) : scopeOf([glass.scope]);
      const resource = resourceOf(story);
      await use.report(withSealed(asked.caller, story.sealed), {
        class: 'read',
        outcome: 'success',
        ...place,
        resource,
      });
    },
    refused(story, error) {
      const { asked, entered, def } = story;
      const refusal = isProblem(error) ? error : problem('internal');
      const said = verdictOf(story, refusal);
      if (said === undefined || asked?.dryRun === true || levelOf(outcomeOf(story, said.outcome)) === 'none') return;
      const caller = asked?.caller.request === undefined ? callerOf(story) : asked.caller;
      const { code, status } = refusal;
      const who = caller.principal.id;
      const named = (resourcesOf.get(who) ?? 0) < resourcesMax;
      const resource = said.class === 'authn' ? undefined : resourceOf(story, named);
      // Whoever has not come in is counted by the refusal alone, whatever it asked for.
      const key = JSON.stringify([who, said.class === 'authn' ? '' : def.operationId, resource?.id, code]);
      if (resource?.id !== undefined && !entries.has(key)) resourcesOf.set(who, (resourcesOf.get(who) ?? 0) + 1);
      const { deniedBy } = refusal.facts;
      note(key, {
        // Those that are only counted need none of their own.
        caller: entries.has(key) ? caller : withSealed(caller, story.sealed),
        scopeId: entered === undefined ? undefined : said.scopeId,
        repeats: 0,
        report: {
          class: said.class,
          outcome: said.outcome,
          problem: { code, status },
          ...(resource === undefined ? {} : { resource }),
          ...(typeof deniedBy === 'string' ? { deniedBy } : {}),
        },
      });
    },
    missing: () => lost,
    stop: () => loop.stop(),
  };
}

const outcomeOf = ({ def }: Story, outcome: Outcome['outcome']): Outcome => ({
  outcome,
  changes: def.method !== 'GET',
  permission: def.permission,
  brokenGlass: false,
});

/**
 * What a refusal is to the record, and in whose log. What a caller may not even see is the platform's to know: a tenant is told of those who may see
 * it, and of no stranger.
 */
function verdictOf(
  { asked, entered }: Story,
  { code, facts }: Problem,
): (Pick<Report, 'class' | 'outcome'> & { scopeId?: ScopeId }) | undefined {
  if (entered === undefined) return code === 'unauthenticated' ? { class: 'authn', outcome: 'denied' } : undefined;
  if (code === 'permission-denied')
    return { class: 'access_denied', outcome: 'denied', ...scopeIn(facts['scope'] ?? asked?.chain.at(-1)?.id) };
  if (asked === undefined && code === 'not-found') return { class: 'access_denied', outcome: 'denied' };
  return {
    class: 'change',
    outcome: code === 'outcome-unknown' ? 'unknown' : 'failed',
    ...scopeIn(asked?.chain.at(-1)?.id),
  };
}

const scopeIn = (id: unknown) => (typeof id === 'string' ? { scopeId: id as ScopeId } : {});

/** Who was refused before anything was decided. */
function callerOf({ def, entered, requestId }: Story): Caller {
  const request = { id: requestId, operation: def.operationId };
  if (entered === undefined) return { ...nobody, request };
  const { principal, snapshot } = entered.session;
  const { id, type, tokenId } = principal;
  return {
    ...nobody,
    principal: { id, type, ...(tokenId === undefined ? {} : { tokenId }) },
    accessEpoch: snapshot.epoch,
    request: { ...request, ...(def.permission === null ? {} : { permission: def.permission }) },
  };
}

/** What was asked for: the thing that the path names, else the kind of thing that the permission is about. */
function resourceOf({ def, id }: Story, named = true): Report['resource'] {
  const type = def.permission?.split('.').slice(0, 2).join('.');
  const prefix = id?.slice(0, 3) as Prefix | undefined;
  const scope = prefix !== undefined && Object.hasOwn(prefixes, prefix) ? prefixes[prefix] : 'platform';
  const shown = named && id !== undefined && scope !== 'platform' && isId(prefix as Prefix, id) ? { id } : {};
  if (def.on === 'pathScope') return { type: `tenancy.${scope}`, ...shown };
  return type === undefined ? undefined : { type, ...shown };
}

/** Where a read is told: with what was shown, where that says it; else in the one tenant that the caller reads in, or at the platform's. */
async function readIn(lineage: Lineage, { chain, caller }: Asked, body: unknown): Promise<ReturnType<typeof scopeOf>> {
  const shown = (body as { scope?: { tenantId?: Id<'tnt'> } } | null)?.scope?.tenantId;
  if (shown !== undefined) return { tenantId: shown };
  if (chain.length > 1) return scopeOf(chain);
  const { readScope } = caller;
  if ('all' in readScope || readScope.platform === true) return {};
  const tenants = new Set<string>(readScope.tenantIds);
  for (const id of [...readScope.projectIds, ...readScope.environmentIds].slice(0, 20))
    tenants.add((await lineage.of(id as ScopeId)).at(-1)?.tenantId ?? '');
  const [tenantId, ...others] = tenants;
  return tenantId === undefined || tenantId === '' || others.length > 0 ? {} : { tenantId };
}
