import { expect, test } from 'vitest';
import { readCursor, writeCursor } from './page.js';

const id = '00000000-0000-7000-8000-000000000001';

/** What a column gives as text, and what no column gives: PostgreSQL would answer the latter with an error of its own. */
const texts = {
  uuid: [[id], ['', '1', `${id} `, id.slice(1)]],
  timestamptz: [['2026-01-02 03:04:05.678901+00'], ['', 'now', '2026-01-02', '2026-13-02 03:04:05+00']],
  bigint: [
    ['0', '4294967295', '-1'],
    ['', ' 1', '1.5', '1e3', '99999999999999999999'],
  ],
  inet: [
    ['0.0.0.0/0', '10.0.0.0/8', '10.1.2.3/32', '::/0', '2001:db8::/32', '::ffff:10.0.0.0/104'],
    ['', '10.0.0.0', '10.0.0/8', '10.0.0.0/33', '10.0.0.0/08', '256.0.0.0/8', '::/129', 'fe80::1%eth0/64', ':::/1'],
  ],
} as const;

test.each(Object.entries(texts))('a cursor holds a %s or is none', (kind, [taken, refused]) => {
  const read = (key: string | number) => readCursor(writeCursor([key]), [kind as keyof typeof texts]);
  for (const text of taken) expect(read(text)).toEqual([text]);
  for (const text of [...refused, 1, `${taken[0]}\0`, `${taken[0]}'`])
    expect(() => read(text), String(text)).toThrow(expect.objectContaining({ code: 'invalid-cursor' }));
});
