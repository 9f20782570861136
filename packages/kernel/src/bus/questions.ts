// Questions to other processes over the mailbox's database, for services that run beside Sentral without a broker. Who answers in
// the process itself is asked directly.
import type { Database } from '../database.js';
import { sleep, textOf, type Report } from './delivery.js';
import type { LocalExchange } from './local.js';
import type { Responder, Subscription } from './port.js';
import { claimQuestions, endQuestion, insertQuestion, keepAnswer, takeAnswer, type Question } from './questions-sql.js';
import { subjectPattern } from './subjects.js';

export interface Questions {
  request(subject: string, data: string, timeoutMs: number): Promise<string>;
  respond(subject: string, responder: Responder): Subscription;
  /** After the signal: resolves when nothing is answered any more. */
  readonly ended: Promise<void>;
}

interface Options {
  readonly db: Database;
  /** Middle of the interval at which who answers looks for questions. */
  readonly pollMs: number;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** So many are taken at once, and answered side by side. */
const batch = 16;
const lookMs = { first: 20, most: 200 };
/** Who answers has looked for questions twice at least in so many intervals: a question that nobody took is for nobody. */
const turns = 3;
/** However short they are: who answers may be at others. */
const busyMs = 1_500;

export function openQuestions(exchange: LocalExchange, options: Options): Questions {
  const patterns: string[] = [];
  const ended = serve(exchange, patterns, options);
  return {
    ended,
    request: async (subject, data, timeoutMs) =>
      exchange.answers(subject)
        ? exchange.request(subject, data, timeoutMs)
        : ask(options, { subject, data, timeoutMs }),
    respond: (filter, responder) => {
      const own = exchange.respond(filter, responder);
      const pattern = subjectPattern(filter);
      patterns.push(pattern);
      return {
        ready: own.ready,
        stop: async () => {
          patterns.splice(patterns.indexOf(pattern), 1);
          await own.stop();
        },
      };
    },
  };
}

async function ask(
  { db, pollMs, signal }: Options,
  question: { subject: string; data: string; timeoutMs: number },
): Promise<string> {
  const until = Date.now() + question.timeoutMs;
  const takenBy = Date.now() + Math.max(turns * pollMs, busyMs);
  const id = await insertQuestion(db, question);
  for (let waitMs = lookMs.first; Date.now() < until && !signal.aborted; waitMs = Math.min(2 * waitMs, lookMs.most)) {
    await sleep(Math.min(waitMs, Math.max(0, until - Date.now())), signal);
    const told = await takeAnswer(db, id, { overdue: Date.now() > takenBy });
    if (told === undefined) continue;
    if (told === 'nobody') throw new Error(`nobody answers on ${question.subject}`);
    if ('fault' in told) throw new Error(told.fault);
    return told.answer;
  }
  await endQuestion(db, id);
  throw new Error(`no answer on ${question.subject} in ${question.timeoutMs} ms`);
}

async function serve(
  exchange: LocalExchange,
  patterns: readonly string[],
  { db, pollMs, report, signal }: Options,
): Promise<void> {
  while (!signal.aborted) {
    let taken = 0;
    try {
      const claimed = patterns.length === 0 ? [] : await claimQuestions(db, patterns, batch);
      taken = claimed.length;
      await Promise.all(claimed.map((question) => answer(exchange, db, question)));
    } catch (error) {
      report(`questions could not be answered: ${textOf(error)}`);
    }
    if (taken < batch) await sleep(pollMs * (0.5 + Math.random()), signal);
  }
}

async function answer(exchange: LocalExchange, db: Database, { id, subject, data, leftMs }: Question): Promise<void> {
  const told = await exchange.request(subject, data, leftMs).then(
    (text) => ({ answer: text }),
    (error: unknown) => ({ fault: textOf(error) }),
  );
  await keepAnswer(db, id, told);
}
