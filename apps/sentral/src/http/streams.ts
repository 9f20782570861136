import { problem } from '@sentral/contracts/problem';
import { setTimeout as pause } from 'node:timers/promises';
import type { Access } from '../auth/authorize.js';
import type { Asked } from './mount.js';

/** What a stream is made of; `E` is its events. */
export interface Source<E> {
  /** The last place that the client knows of. */
  readonly afterSeq: number;
  /** What comes after a place, as far as this access lets it be seen. */
  read(
    afterSeq: number,
    access: Access,
  ): Promise<{
    readonly items: readonly { readonly seq: number; readonly event: E }[];
    readonly examined: number;
    readonly more: boolean;
    /** Nothing comes after it any more. */
    readonly over?: boolean;
  }>;
  typeOf(event: E): string;
  /** How a place is written, for `Last-Event-ID`; undefined while it has no name. */
  idOf(seq: number): string | undefined;
  /** Settles when there may be more, or after so many milliseconds; absent: after a second. */
  readonly next?: (ms: number) => Promise<unknown>;
}

export interface Streams {
  /** @throws Problem rate-limited | overloaded when there are too many */
  open<E>(asked: Asked, source: Source<E>): Promise<ReadableStream<Uint8Array>>;
}

const perPrincipalMax = 5;
const allMax = 500;
const pollMs = 1_000;
const pingMs = 15_000;
const recheckMs = 30_000;
/** A client that takes nothing for so long is gone, or too slow to be served. */
const slowMs = 60_000;

/**
 * Streams of events (SSE). Each is read when its client has taken what there was, so that none has more in memory than one page; it ends with its
 * credential, when the caller may not read it any more, and when the process drains.
 */
export function createStreams(use: {
  draining: () => boolean;
  /** Asks again who the caller is and what it may. @throws when it may not read this any more */
  again: (asked: Asked) => Promise<Access>;
}): Streams {
  const open = new Map<string, number>();
  let all = 0;
  return {
    async open(asked, source) {
      const who = asked.caller.principal.id;
      if ((open.get(who) ?? 0) >= perPrincipalMax)
        throw problem('rate-limited', { violatedPolicies: ['streams'], retryAfterSeconds: 30 });
      if (all >= allMax) throw problem('overloaded', {});
      open.set(who, (open.get(who) ?? 0) + 1);
      all += 1;
      return streamOf(asked, source, {
        ...use,
        ended: () => {
          all -= 1;
          const left = (open.get(who) ?? 1) - 1;
          if (left === 0) open.delete(who);
          else open.set(who, left);
        },
      });
    },
  };
}

export const wantsStream = ({ raw }: Pick<Asked, 'raw'>): boolean =>
  /\btext\/event-stream\b/.test(raw.headers.get('accept') ?? '');

/** The answer that a stream is. Its schema is that of the pages; what is sent is text. */
export const streamed = (body: ReadableStream<Uint8Array>) => ({
  status: 200 as const,
  body: body as never,
  headers: { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' },
});

const utf8 = new TextEncoder();

function streamOf<E>(
  asked: Asked,
  source: Source<E>,
  use: { draining: () => boolean; again: (asked: Asked) => Promise<Access>; ended: () => void },
): ReadableStream<Uint8Array> {
  const until = asked.entered?.expiresAt?.getTime() ?? Infinity;
  let { access } = asked;
  let { afterSeq } = source;
  let [checkedAt, saidAt] = [performance.now(), -Infinity];
  let over = false;
  let slow: NodeJS.Timeout | undefined;
  const end = (): void => {
    clearTimeout(slow);
    if (!over) use.ended();
    over = true;
  };
  let last = false;
  const place = (seq: number): string => {
    const id = source.idOf(seq);
    return id === undefined ? '' : `id: ${id}\n`;
  };

  /** What is to be said next: undefined when the stream is over. */
  async function next(): Promise<string | undefined> {
    if (saidAt === -Infinity) return `retry: 2000\n${place(afterSeq)}\n`;
    while (!over && !last && !use.draining() && Date.now() < until) {
      if (performance.now() - checkedAt > recheckMs) {
        access = await use.again(asked);
        checkedAt = performance.now();
      }
      const page = await source.read(afterSeq, access);
      afterSeq = page.examined;
      last = page.over === true;
      if (page.items.length > 0)
        return page.items
          .map(({ seq, event }) => `${place(seq)}event: ${source.typeOf(event)}\ndata: ${JSON.stringify(event)}\n\n`)
          .join('');
      if (last) return undefined;
      if (performance.now() - saidAt > pingMs) return `${place(afterSeq)}: ping\n\n`;
      if (!page.more) await (source.next ?? pause)(pollMs);
    }
    return undefined;
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clearTimeout(slow);
        // Who it was let in for it may not read any more, or audit is away: the client comes back and is told.
        const text = await next().catch(() => undefined);
        if (text === undefined || over) {
          if (!over) controller.close();
          end();
          return;
        }
        saidAt = performance.now();
        controller.enqueue(utf8.encode(text));
        slow = setTimeout(() => {
          end();
          controller.error(new Error('the client takes nothing'));
        }, slowMs);
      },
      cancel: end,
    },
    { highWaterMark: 1 },
  );
}
