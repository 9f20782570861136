// Logs and spans. Prevents: secrets in a log, and a trace that ends where a transaction or the bus begins.
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from './id.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type Fields = Readonly<Record<string, unknown>>;

export interface Span {
  readonly name: string;
  readonly traceparent: string;
  readonly parent: string | undefined;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly failed: boolean;
  readonly fields: Fields;
}

export interface Telemetry {
  log(level: LogLevel, message: string, fields?: Fields): void;
  /** Runs the work as one span; what it awaits sees the span as its parent. */
  span<T>(name: string, fields: Fields, work: () => Promise<T>): Promise<T>;
  /** Adds to what the process has counted under the name; names are few and fixed, never made of data. */
  count(name: string, by?: number): void;
}

export interface TelemetryOptions {
  readonly format?: 'json' | 'text';
  readonly level?: LogLevel;
  readonly write?: (line: string) => void;
  readonly clock?: Clock;
  /** Told of each finished span; a collector's exporter stands behind it. */
  readonly onSpan?: (span: Span) => void;
  /** Told of each count; the metrics of the process stand behind it. */
  readonly onCount?: (name: string, by: number) => void;
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const current = new AsyncLocalStorage<string>();
const traceparentShape = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The W3C traceparent of what runs now, if any: feed rows and messages carry it on. */
export function currentTraceparent(): string | undefined {
  return current.getStore();
}

/** Runs work under a trace that came from outside; a malformed header is as good as none. */
export function withTraceparent<T>(traceparent: string | undefined, work: () => T): T {
  if (traceparent === undefined || !traceparentShape.test(traceparent)) return work();
  return current.run(traceparent, work);
}

/** Makes the telemetry of one process. */
export function createTelemetry(options: TelemetryOptions = {}): Telemetry {
  const lowest = levels.indexOf(options.level ?? 'info');
  const clock = options.clock ?? systemClock;
  const write = options.write ?? ((line: string) => void process.stdout.write(line));
  return {
    log(level, message, fields = {}) {
      if (levels.indexOf(level) < lowest) return;
      const traceId = currentTraceparent()?.slice(3, 35);
      const line = {
        time: clock().toISOString(),
        level,
        message,
        ...(traceId === undefined ? {} : { traceId }),
        ...fields,
      };
      write(options.format === 'text' ? textLine(line) : `${scrub(toJson(line))}\n`);
    },
    async span(name, fields, work) {
      const parent = currentTraceparent();
      const traceparent = childOf(parent);
      const startedAt = clock();
      const began = performance.now();
      let failed = true;
      try {
        const result = await current.run(traceparent, work);
        failed = false;
        return result;
      } finally {
        options.onSpan?.({
          name,
          traceparent,
          parent,
          startedAt,
          durationMs: performance.now() - began,
          failed,
          fields,
        });
      }
    },
    count: (name, by = 1) => options.onCount?.(name, by),
  };
}

function childOf(parent: string | undefined): string {
  const traceId = parent?.slice(3, 35) ?? randomBytes(16).toString('hex');
  return `00-${traceId}-${randomBytes(8).toString('hex')}-${parent?.slice(53) ?? '01'}`;
}

/** Takes out what opens doors: our tokens, JSON web tokens, passwords in URLs, authorization headers. */
export function scrub(text: string): string {
  return text
    .replaceAll(/snt_[\w-]{4,}/g, 'snt_…')
    .replaceAll(/eyJ[\w-]{8,}(\.[\w-]*){0,2}/g, 'eyJ…')
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s:/@"]*):[^\s/"]+@/gi, '$1:…@')
    .replaceAll(/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 …');
}

function toJson(line: object): string {
  const seen = new WeakSet<object>();
  return JSON.stringify(line, (_key, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return '[again]';
    seen.add(value);
    return value instanceof Error ? describeError(value) : value;
  });
}

function describeError(error: Error): object {
  const cause = error.cause instanceof Error ? { cause: error.cause } : {};
  return { name: error.name, message: error.message, stack: error.stack, ...cause };
}

/** With what it came from, a few deep: an error that says little is often the last of several. */
const stackOf = ({ stack, message, cause }: Error, deeper = 4): string =>
  `${stack ?? message}${cause instanceof Error && deeper > 0 ? `\n  from ${stackOf(cause, deeper - 1)}` : ''}`;

function textLine(line: { time: string; level: string; message: string; [field: string]: unknown }): string {
  const { time, level, message, ...fields } = line;
  const rest = Object.entries(fields).map(([key, value]) => {
    const text =
      value instanceof Error ? stackOf(value) : typeof value === 'string' ? value : toJson({ value }).slice(9, -1);
    return ` ${key}=${text}`;
  });
  return `${scrub(`${time} ${level.padEnd(5)} ${message}${rest.join('')}`)}\n`;
}
