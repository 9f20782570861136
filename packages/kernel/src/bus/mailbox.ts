// The bus in PostgreSQL, for a deployment without NATS: same promises, and it survives kill -9 because a message leaves its
// table only when acknowledged. It polls, and is woken at once by what the same process publishes; LISTEN is left out, since
// it needs a session of its own and does not pass a transaction pooler.
import type { Database } from '../database.js';
import { checkSpec, deliver, handlerSlots, sleep, textOf, type Report, type Settlement } from './delivery.js';
import { localExchange } from './local.js';
import {
  amendVisibility,
  claimMessages,
  endExpired,
  endMessages,
  insertConsumer,
  insertMessages,
  listRivals,
  moveToDeadLetters,
  type Claimed,
} from './mailbox-sql.js';
import type { Ack, Bus, BusMessage, ConsumeSpec, Handler, OnDeadLetter, Subscription } from './port.js';
import { publishFailure } from './port.js';
import { openQuestions } from './questions.js';
import { endStaleQuestions } from './questions-sql.js';
import { sharing } from './sharing.js';
import { filtersOverlap, sortOut, streamNamed, streamOf } from './subjects.js';

/** Of the sessions: their statements are planned once, mostly while nothing waits, and must not walk all that waits later. */
export const mailboxSettings = { plan_cache_mode: 'force_generic_plan', enable_seqscan: 'off' };

export interface MailboxOptions {
  /** Logged in as bus_app with `mailboxSettings`, and a pool of its own; the mailbox does not close it. */
  readonly db: Database;
  /** Middle of the poll interval, jittered by half; the floor for what other processes publish. */
  readonly pollMs?: number;
  readonly sweepMs?: number;
  readonly report?: Report;
  /** Told before a message becomes a row of dead_letter. */
  readonly onDeadLetter?: OnDeadLetter;
}

interface Mailbox {
  readonly db: Database;
  readonly pollMs: number;
  readonly report: Report;
  readonly onDeadLetter: OnDeadLetter | undefined;
  /** Stores messages, with what others publish meanwhile, and says which are stored now: the others were before. */
  readonly store: (messages: readonly Keyed[]) => Promise<ReadonlySet<Keyed>>;
  /** Removes what was handled, after its handler: with what else was. */
  readonly end: (claimed: Claimed) => Promise<void>;
  /** Wakes the consumers of one stream. */
  readonly wakes: Set<{ readonly stream: string; readonly poke: () => void }>;
  /** Why the database could not be reached at the last try. */
  fault: string | undefined;
}

/** Opens the mailbox; needs the migrated schema `bus`. */
export function openMailbox(options: MailboxOptions): Bus {
  const mailbox: Mailbox = {
    db: options.db,
    pollMs: options.pollMs ?? 500,
    report: options.report ?? (() => undefined),
    onDeadLetter: options.onDeadLetter,
    store: storing(options.db),
    end: sharing({
      together: async (claimed) => {
        await endMessages(options.db, claimed);
        return claimed.map(() => undefined);
      },
      alone: (claimed) => endMessages(options.db, [claimed]),
    }),
    wakes: new Set(),
    fault: 'not connected yet',
  };
  const exchange = localExchange();
  const subscriptions = new Set<Subscription>();
  const closing = new AbortController();
  const questions = openQuestions(exchange, { ...mailbox, signal: closing.signal });
  const sweeper = sweep(mailbox, options.sweepMs ?? 60_000, closing.signal);
  const prober = probe(mailbox, closing.signal);

  return {
    broadcast: exchange.broadcast,
    listen: exchange.listen,
    request: questions.request,
    respond: questions.respond,
    publish: async (messages) => {
      if (closing.signal.aborted) throw refusal(messages, 'the mailbox is closed');
      return await publish(mailbox, messages);
    },
    consume: (spec, handler) => {
      checkSpec(spec);
      const subscription = consume(mailbox, spec, handler);
      subscriptions.add(subscription);
      return subscription;
    },
    health: () => {
      if (closing.signal.aborted) return { connected: false, detail: 'closed' };
      return { connected: mailbox.fault === undefined, detail: mailbox.fault ?? 'mailbox' };
    },
    close: async () => {
      closing.abort();
      await Promise.all([...subscriptions].map((subscription) => subscription.stop()));
      await Promise.all([sweeper, prober, questions.ended]);
    },
  };
}

async function publish(mailbox: Mailbox, messages: readonly BusMessage[]): Promise<readonly Ack[]> {
  const { good, refused } = sortOut(messages);
  const keyed = good.map((each) => ({ ...each, key: `${each.stream.name} ${each.message.id}` }));
  let stored: ReadonlySet<Keyed> = new Set();
  try {
    if (keyed.length > 0) stored = await mailbox.store(keyed);
  } catch (error) {
    // Also a statement that was refused looks like this; the next probe tells the two apart.
    mailbox.fault = textOf(error);
    throw Object.assign(refusal(messages, mailbox.fault), { cause: error });
  }
  for (const wake of mailbox.wakes) {
    if (good.some(({ stream }) => stream.name === wake.stream)) wake.poke();
  }
  const acks = keyed.map((each) => ({ id: each.message.id, duplicate: !stored.has(each) }));
  if (refused.length > 0) throw publishFailure(refused, acks);
  return acks;
}

type Keyed = ReturnType<typeof sortOut>['good'][number] & { readonly key: string };

function storing(db: Database): Mailbox['store'] {
  const together = async (lists: readonly (readonly Keyed[])[]) => {
    const all = lists.flat();
    // The same id twice is a duplicate like any other; the first one counts.
    const first = new Map(all.toReversed().map((each) => [each.key, each]));
    const once = all.filter((each) => first.get(each.key) === each);
    const fresh = await insertMessages(db, once);
    const stored = new Set(once.filter(({ key }) => fresh.has(key)));
    return lists.map(() => stored);
  };
  const alone = async (list: readonly Keyed[]) => (await together([list]))[0] ?? new Set<Keyed>();
  return sharing({ together, alone });
}

function refusal(messages: readonly BusMessage[], reason: string): Error {
  const failed = messages.map(({ id, subject }) => ({ id, reason, permanent: streamOf(subject) === undefined }));
  return publishFailure(failed, []);
}

function consume(mailbox: Mailbox, spec: ConsumeSpec, handler: Handler): Subscription {
  const slots = handlerSlots(spec.concurrency);
  const stopping = new AbortController();
  const wake = { stream: spec.stream, poke: slots.poke };
  const consumer = { spec, handler, report: mailbox.report };
  const ready = register(mailbox, spec, stopping.signal);

  const loop = async (): Promise<void> => {
    await ready;
    mailbox.wakes.add(wake);
    while (!stopping.signal.aborted) {
      const free = slots.free();
      const claimed = free > 0 ? await claim(mailbox, spec, free) : [];
      for (const each of claimed) {
        slots.take(deliver(consumer, each.message, settlementOf(mailbox, each, { spec, poke: slots.poke })));
      }
      // A full claim may have left more behind: look again as soon as a slot is free.
      if (claimed.length < free || free === 0) await slots.wait(jittered(mailbox.pollMs));
    }
  };
  const looping = loop().catch((error: unknown) => mailbox.report(`${spec.durable} is not served: ${textOf(error)}`));
  return {
    ready,
    stop: async () => {
      stopping.abort();
      slots.poke();
      await looping;
      mailbox.wakes.delete(wake);
      await slots.drained(spec.ackWaitMs + 1000);
    },
  };
}

async function claim(mailbox: Mailbox, spec: ConsumeSpec, free: number): Promise<readonly Claimed[]> {
  try {
    const claimed = await claimMessages(mailbox.db, spec, free);
    mailbox.fault = undefined;
    return claimed;
  } catch (error) {
    mailbox.fault = textOf(error);
    mailbox.report(`${spec.durable} could not look into its mailbox: ${mailbox.fault}`);
    return [];
  }
}

function settlementOf(
  mailbox: Mailbox,
  claimed: Claimed,
  { spec, poke }: { spec: ConsumeSpec; poke: () => void },
): Settlement {
  const { db } = mailbox;
  return {
    ack: () => mailbox.end(claimed),
    drop: () => mailbox.end(claimed),
    nak: async (delayMs) => {
      await amendVisibility(db, claimed, delayMs);
      if (delayMs < mailbox.pollMs) setTimeout(poke, delayMs).unref();
    },
    bury: async (reason) => {
      await mailbox.onDeadLetter?.({ ...claimed.message, durable: spec.durable, reason });
      await moveToDeadLetters(db, claimed, { durable: spec.durable, reason });
    },
  };
}

/** Tries until it is done: a database that is away at start must not end the process. Rejects only what can never work. */
function register(mailbox: Mailbox, spec: ConsumeSpec, signal: AbortSignal): Promise<void> {
  const work = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        if (streamNamed(spec.stream).retention === 'workQueue') await refuseRivals(mailbox, spec);
        await insertConsumer(mailbox.db, spec);
        return;
      } catch (error) {
        if (error instanceof Error && 'permanent' in error) throw error;
        mailbox.fault = textOf(error);
        mailbox.report(`${spec.durable} could not register: ${mailbox.fault}`);
        await sleep(jittered(mailbox.pollMs), signal);
      }
    }
  };
  const done = work();
  // Whoever awaits `ready` sees the refusal; a refusal that nobody awaits must not end the process.
  done.catch(() => undefined);
  return done;
}

async function refuseRivals(mailbox: Mailbox, spec: ConsumeSpec): Promise<void> {
  const rival = (await listRivals(mailbox.db, spec)).find((each) => filtersOverlap(each.filter, spec.filter));
  if (rival === undefined) return;
  const text = `${spec.durable} would take what ${rival.durable} takes from ${spec.stream}`;
  throw Object.assign(new Error(text), { permanent: true });
}

/** A process that only publishes, or nothing yet, has to know too whether the database is there. */
async function probe(mailbox: Mailbox, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await mailbox.db.sql`select 1`;
      mailbox.fault = undefined;
    } catch (error) {
      mailbox.fault = textOf(error);
    }
    await sleep(jittered(mailbox.fault === undefined ? 5000 : mailbox.pollMs), signal);
  }
}

async function sweep(mailbox: Mailbox, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(jittered(everyMs), signal);
    if (signal.aborted) return;
    try {
      await endExpired(mailbox.db);
      await endStaleQuestions(mailbox.db);
    } catch (error) {
      mailbox.report(`the mailbox could not be swept: ${textOf(error)}`);
    }
  }
}

function jittered(milliseconds: number): number {
  return milliseconds * (0.5 + Math.random());
}
