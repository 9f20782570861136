// Streams and subjects as data (task.md 9.1, database.md 4): the three adapters read the same table, so a rule such as
// "a newer command replaces the one that still waits" cannot hold in one and not in the other.
import type { BusMessage, FailedPublish, StreamName } from './port.js';
import { maxDataBytes } from './port.js';

export interface StreamDefinition {
  readonly name: StreamName;
  readonly subjects: readonly string[];
  /** workQueue: a message is there once and gone when acknowledged. limits: every registered consumer gets its own. */
  readonly retention: 'workQueue' | 'limits';
  readonly maxAgeSeconds: number;
  readonly duplicateWindowSeconds: number;
  /** One message per subject; the newer replaces the older, also while that one is being handled. */
  readonly supersedes: boolean;
}

const hour = 3600;
const tenMinutes = 600;

export const streams: readonly StreamDefinition[] = [
  stream('DV_CMD', 'dv.cmd.v1.>', { retention: 'workQueue', maxAgeSeconds: 72 * hour, supersedes: true }),
  stream('DV_RPL', 'dv.rpl.v1.>', { retention: 'workQueue', maxAgeSeconds: 72 * hour, supersedes: false }),
  stream('DV_EVT', 'dv.evt.v1.>', { retention: 'limits', maxAgeSeconds: 7 * 24 * hour, supersedes: false }),
  stream('DV_FEED', 'dv.feed.v1.>', { retention: 'limits', maxAgeSeconds: 7 * 24 * hour, supersedes: false }),
  stream('DV_AUD', 'dv.aud.v1.>', { retention: 'limits', maxAgeSeconds: 7 * 24 * hour, supersedes: false }),
];

function stream(
  name: StreamName,
  subject: string,
  rest: Pick<StreamDefinition, 'retention' | 'maxAgeSeconds' | 'supersedes'>,
): StreamDefinition {
  return { name, subjects: [subject], duplicateWindowSeconds: tenMinutes, ...rest };
}

/** Finds the stream that stores a subject, or undefined when none does. */
export function streamOf(subject: string): StreamDefinition | undefined {
  return streams.find((each) => each.subjects.some((filter) => subjectMatches(filter, subject)));
}

/** The definition of a stream by name. */
export function streamNamed(name: StreamName): StreamDefinition {
  const found = streams.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no stream is called ${name}`);
  return found;
}

/** Whether a filter takes a subject: `*` is exactly one token, a last `>` is one token or more. */
export function subjectMatches(filter: string, subject: string): boolean {
  const wanted = filter.split('.');
  const tokens = subject.split('.');
  for (const [place, token] of wanted.entries()) {
    if (token === '>') return tokens.length > place;
    if (tokens[place] === undefined || (token !== '*' && token !== tokens[place])) return false;
  }
  return wanted.length === tokens.length;
}

/** The same rule as a regular expression that JavaScript and PostgreSQL read alike. */
export function subjectPattern(filter: string): string {
  const tokens = filter.split('.').map((token) => {
    if (token === '*') return '[^.]+';
    if (token === '>') return '.+';
    return token.replaceAll(/[^\w-]/g, String.raw`\$&`);
  });
  return `^${tokens.join(String.raw`\.`)}$`;
}

/** Whether some subject is taken by both filters; on a work queue that would make delivery a matter of luck. */
export function filtersOverlap(one: string, other: string): boolean {
  const a = one.split('.');
  const b = other.split('.');
  for (let place = 0; place < Math.max(a.length, b.length); place += 1) {
    const [left, right] = [a[place], b[place]];
    if (left === undefined || right === undefined) return false;
    if (left === '>' || right === '>') return true;
    if (left !== right && left !== '*' && right !== '*') return false;
  }
  return true;
}

const tokenShape = /^[\w-]+$/;

/** Splits a batch into what a stream takes and what no retry could ever deliver. */
export function sortOut(messages: readonly BusMessage[]): {
  readonly good: readonly { readonly message: BusMessage; readonly stream: StreamDefinition }[];
  readonly refused: readonly FailedPublish[];
} {
  const good: { message: BusMessage; stream: StreamDefinition }[] = [];
  const refused: FailedPublish[] = [];
  for (const message of messages) {
    const target = streamOf(message.subject);
    const fault = faultOf(message, target);
    if (fault === undefined && target !== undefined) good.push({ message, stream: target });
    else refused.push({ id: message.id, reason: fault ?? 'refused', permanent: true });
  }
  return { good, refused };
}

function faultOf(message: BusMessage, target: StreamDefinition | undefined): string | undefined {
  if (target === undefined) return `no stream takes the subject ${message.subject}`;
  if (!message.subject.split('.').every((token) => tokenShape.test(token))) return `bad subject ${message.subject}`;
  if (message.id === '' || /[\r\n]/.test(message.id)) return 'a message id is one non-empty line';
  if (Buffer.byteLength(message.data) > maxDataBytes) return `data is over ${maxDataBytes} bytes`;
  if (message.data.includes('\0')) return 'data is JSON text, which never holds a NUL character';
  return undefined;
}

/** Where a public event goes, from its feed type `inventory.node.registered`. */
export function eventSubject(type: string): string {
  return `dv.evt.v1.${type}`;
}

/** Where a context's feed goes; audit alone reads it. */
export function feedSubject(context: string): string {
  return `dv.feed.v1.${context}`;
}

/** Where audit says what it appended. */
export const auditSubject = 'dv.aud.v1.record.appended';
