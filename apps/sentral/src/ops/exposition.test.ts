import { describe, expect, test } from 'vitest';
import { parseExposition } from '../../test/exposition.js';
import { counter, exposition, gauge, histogram } from './exposition.js';

test('a counter adds up by its labels, and text in labels and help is escaped', async () => {
  const doors = counter({ name: 'doors_total', help: 'Doors, "open"\nor \\ shut.', labels: ['room', 'how'] });
  doors.add({ room: 'a "b"\n\\c', how: 'open' });
  doors.add({ room: 'a "b"\n\\c', how: 'open' }, 2);
  doors.add({ room: 'a', how: 'shut' });
  const text = await exposition([doors]);
  expect(text.split('\n')).toHaveLength(5);
  const scrape = parseExposition(text);
  expect(scrape.value('doors_total', { room: 'a "b"\n\\c' })).toBe(3);
  expect(scrape.value('doors_total', { room: 'a' })).toBe(1);
});

test('a histogram counts what is at most a bound, its buckets rise to the count', async () => {
  const waits = histogram({ name: 'wait_seconds', help: 'Waits.', labels: ['at'] }, [0.1, 1]);
  for (const seconds of [0.05, 0.1, 0.5, 7]) waits.observe({ at: 'door' }, seconds);
  const scrape = parseExposition(await exposition([waits]));
  expect(scrape.samples.map(({ name, labels, value }) => [name, labels['le'], value])).toEqual([
    ['wait_seconds_bucket', '0.1', 2],
    ['wait_seconds_bucket', '1', 3],
    ['wait_seconds_bucket', '+Inf', 4],
    ['wait_seconds_sum', undefined, 7.65],
    ['wait_seconds_count', undefined, 4],
  ]);
});

test('a gauge that cannot be looked up has no sample, and the others are seen', async () => {
  const broken = gauge('broken', 'Cannot be asked.', () => {
    throw new Error('no');
  });
  const away = gauge('away', 'Does not answer.', () => Promise.reject(new Error('no')));
  const scrape = parseExposition(await exposition([broken, away, gauge('there', 'Is there.', () => [{ value: 1 }])]));
  expect([...scrape.families.keys()]).toEqual(['broken', 'away', 'there']);
  expect(scrape.samples).toEqual([{ name: 'there', labels: {}, value: 1 }]);
});

describe('the reader of the text format refuses', () => {
  const family = (name: string, type: string, ...lines: string[]) =>
    [`# HELP ${name} Said.`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
  const bucket = (le: string, value: number) => `h_bucket{le="${le}"} ${value}`;
  test.each<[string, string]>([
    ['no line feed at the end', family('a', 'gauge', 'a 1').trimEnd()],
    ['an empty line', family('a', 'gauge', '', 'a 1')],
    ['a family without help', '# TYPE a gauge\na 1\n'],
    ['a family twice', family('a', 'gauge', 'a 1') + family('a', 'gauge', 'a 2')],
    ['a type that is none', family('a', 'number', 'a 1')],
    ['a sample of another family', family('a', 'gauge', 'b 1')],
    ['a name that is none', family('a', 'gauge', 'a-b 1')],
    ['a value that is none', family('a', 'gauge', 'a one')],
    ['a label without quotes', family('a', 'gauge', 'a{b=c} 1')],
    ['a label with a bare quote', family('a', 'gauge', 'a{b="c"d"} 1')],
    ['a label with a strange escape', family('a', 'gauge', 'a{b="\\t"} 1')],
    ['a label twice', family('a', 'gauge', 'a{b="1",b="2"} 1')],
    ['a series twice', family('a', 'gauge', 'a{b="1",c="2"} 1', 'a{c="2",b="1"} 2')],
    ['a counter without _total', family('a', 'counter', 'a 1')],
    ['a gauge with _total', family('a_total', 'gauge', 'a_total 1')],
    ['a counter below zero', family('a_total', 'counter', 'a_total -1')],
    ['buckets that fall', family('h', 'histogram', bucket('1', 2), bucket('+Inf', 1), 'h_sum 1', 'h_count 1')],
    ['no last bucket', family('h', 'histogram', bucket('1', 2), 'h_sum 1', 'h_count 2')],
    ['a count that is not the last bucket', family('h', 'histogram', bucket('+Inf', 1), 'h_sum 1', 'h_count 2')],
    ['no sum', family('h', 'histogram', bucket('+Inf', 1), 'h_count 1')],
  ])('%s', (_, text) => expect(() => parseExposition(text)).toThrow());
});
