import { expect, test } from 'vitest';
import { createTelemetry, currentTraceparent, scrub, type Span, withTraceparent } from './telemetry.js';

const clock = (): Date => new Date('2026-11-23T09:17:55.123Z');
const parent = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;

function kept(format: 'json' | 'text', level?: 'debug') {
  const lines: string[] = [];
  const spans: Span[] = [];
  const telemetry = createTelemetry({
    format,
    clock,
    write: (line) => lines.push(line),
    onSpan: (span) => spans.push(span),
    ...(level ? { level } : {}),
  });
  return { lines, spans, telemetry };
}

test('no token, password or authorization header survives in a line', () => {
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl';
  for (const secret of [
    'snt_0123456789abcdef',
    jwt,
    'postgres://app:hunter2@db:5432/x',
    'Authorization: Bearer abcdef0123456789',
    'nats://u:p%40ss@h',
  ]) {
    for (const format of ['json', 'text'] as const) {
      const { lines, telemetry } = kept(format);
      telemetry.log('error', `failed with ${secret}`, { secret, nested: { list: [secret] }, error: new Error(secret) });
      expect(lines).toHaveLength(1);
      expect(lines[0]).not.toMatch(/0123456789|hunter2|c2lnbmF0dXJl|eyJhbGci|p%40ss/);
      if (format === 'json') expect(() => JSON.parse(lines[0] ?? '')).not.toThrow();
    }
  }
  expect(scrub('http://host:80/a@b and x@y')).toBe('http://host:80/a@b and x@y');
});

test('a line is one JSON object with time, level, message, fields and the trace it belongs to', () => {
  const { lines, telemetry } = kept('json');
  const loop: { self?: unknown } = {};
  loop.self = loop;
  withTraceparent(parent, () => telemetry.log('info', 'text\nof two lines', { n: 1n, loop }));
  telemetry.log('debug', 'below the level');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    time: '2026-11-23T09:17:55.123Z',
    level: 'info',
    message: 'text\nof two lines',
    traceId: 'ab'.repeat(16),
    n: '1',
    loop: { self: '[again]' },
  });
});

test.each(['json', 'text'] as const)('an error tells what it came from, once, and no secret of it (%s)', (format) => {
  const { lines, telemetry } = kept(format);
  const under = new Error('refused to snt_0123456789abcdef');
  const error = new Error('it did not work', { cause: under });
  under.cause = error;
  telemetry.log('error', 'failed', { error });
  expect(lines[0]).toMatch(/it did not work[^]*refused to snt_…/);
});

test('spans nest, across awaits and beside each other, and carry the trace on', async () => {
  const { spans, telemetry } = kept('text');
  await withTraceparent(parent, () =>
    telemetry.span('outer', { a: 1 }, async () => {
      const outer = currentTraceparent();
      await Promise.all(
        ['one', 'two'].map((name) =>
          telemetry.span(name, {}, async () => {
            await new Promise((resolve) => setTimeout(resolve, 2));
            expect(currentTraceparent()).not.toBe(outer);
          }),
        ),
      );
      expect(currentTraceparent()).toBe(outer);
    }),
  );
  const outer = spans.find((span) => span.name === 'outer');
  expect(outer).toMatchObject({ parent, failed: false, fields: { a: 1 } });
  expect(
    spans
      .filter((span) => span.parent === outer?.traceparent)
      .map((span) => span.name)
      .toSorted(),
  ).toEqual(['one', 'two']);
  for (const span of spans) expect(span.traceparent).toMatch(new RegExp(`^00-${'ab'.repeat(16)}-[0-9a-f]{16}-01$`));
  expect(currentTraceparent()).toBeUndefined();
});

test('a span of failed work is told as failed and the error goes on', async () => {
  const { spans, telemetry } = kept('json');
  await expect(telemetry.span('bad', {}, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(spans).toMatchObject([{ name: 'bad', failed: true, parent: undefined }]);
});

test('a malformed traceparent from outside is as good as none', () => {
  for (const bad of ['', '00-0', `00-${'0'.repeat(32)}-${'cd'.repeat(8)}-01`, `${parent}-x`, `ff-${parent.slice(3)}`]) {
    withTraceparent(bad, () => expect(currentTraceparent()).toBeUndefined());
  }
});

test('what is counted is told to whoever keeps the metrics, and to nobody where nobody does', () => {
  const told: [string, number][] = [];
  const telemetry = createTelemetry({ onCount: (name, by) => void told.push([name, by]) });
  telemetry.count('import.rows', 500);
  telemetry.count('import.failed');
  expect(told).toEqual([
    ['import.rows', 500],
    ['import.failed', 1],
  ]);
  expect(() => createTelemetry().count('import.rows')).not.toThrow();
});
