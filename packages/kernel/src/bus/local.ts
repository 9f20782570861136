// Questions and announcements inside one process, for the adapters without a broker. They keep nothing: what nobody hears is
// gone, as on core NATS, and whoever relies on more must publish.
import type { Listener, Responder, Subscription } from './port.js';
import { subjectMatches } from './subjects.js';

interface Entry<F> {
  readonly filter: string;
  readonly call: F;
}

export interface LocalExchange {
  /** Whether somebody in this process answers on the subject. */
  answers(subject: string): boolean;
  request(subject: string, data: string, timeoutMs: number): Promise<string>;
  respond(subject: string, responder: Responder): Subscription;
  broadcast(subject: string, data: string): void;
  listen(subject: string, listener: Listener): Subscription;
}

/** Makes an exchange; its members are the ones of the port. */
export function localExchange(): LocalExchange {
  const responders = new Set<Entry<Responder>>();
  const listeners = new Set<Entry<Listener>>();

  const find = (subject: string) => [...responders].find((entry) => subjectMatches(entry.filter, subject));
  return {
    answers: (subject) => find(subject) !== undefined,
    request: async (subject, data, timeoutMs) => {
      const found = find(subject);
      if (found === undefined) throw new Error(`nobody answers on ${subject}`);
      return await within(timeoutMs, `no answer on ${subject} in ${timeoutMs} ms`, async () =>
        found.call(data, subject),
      );
    },
    respond: (filter, call) => subscribe(responders, { filter, call }),
    broadcast: (subject, data) => {
      for (const entry of listeners) {
        if (subjectMatches(entry.filter, subject)) setImmediate(() => entry.call(data, subject));
      }
    },
    listen: (filter, call) => subscribe(listeners, { filter, call }),
  };
}

function subscribe<F>(all: Set<Entry<F>>, entry: Entry<F>): Subscription {
  all.add(entry);
  return {
    ready: Promise.resolve(),
    stop: async () => {
      all.delete(entry);
    },
  };
}

async function within<T>(milliseconds: number, text: string, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(text)), milliseconds);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
