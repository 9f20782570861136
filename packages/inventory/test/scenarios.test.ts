import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

/** What any serious allocator must do, by the ids that tests bear in their titles. */
const scenarios = [
  ...ids('P', '1-6 8-14'), // amounts
  ...ids('P', '15-19 21-26'), // one holder over time
  ...ids('P', '27-30 32 34-37'), // several providers or holders in one request
  ...ids('P', '38 39 41-49'), // offers that change under load
  ...ids('P', '50-58'), // trees, traits, groups
  ...ids('P', '59-69'), // candidates
  ...ids('P', '71-73 75 77'), // races
  ...ids('B', '1-7 11-17'), // reservations in time
  ...ids('N', '1-5 7-9 11 12 14 15 18 19'), // next free
].filter((id) => id !== 'P07');

/** Those that cannot be asked yet, and why. */
const notYet: Readonly<Record<string, string>> = {};

function ids(letter: string, numbers: string): string[] {
  return numbers.split(' ').flatMap((run) => {
    const [from = '', to = from] = run.split('-');
    return Array.from(
      { length: Number(to) - Number(from) + 1 },
      (_, n) => `${letter}${String(Number(from) + n).padStart(2, '0')}`,
    );
  });
}

/** Ids in the titles of tests, here and of the deployment, with the files that have them. */
function tested(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const files = ['test', 'src', '../../apps/sentral/test'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => path.join(folder, file)),
  );
  for (const file of files.filter((each) => each.endsWith('.test.ts'))) {
    const titles = readFileSync(file, 'utf8').matchAll(
      /\b(?:test|describe)(?:\.\w+\([\s\S]*?\))?\(\s*['"`](?<title>(?:[PBN]\d{2} )+)/g,
    );
    for (const { groups } of titles)
      for (const id of (groups?.['title'] ?? '').trim().split(' ')) found.set(id, [...(found.get(id) ?? []), file]);
  }
  return found;
}

test('every scenario is a test that bears its id, or says why it cannot be one yet', () => {
  const found = tested();
  expect(
    scenarios.filter((id) => !found.has(id) && notYet[id] === undefined),
    'neither',
  ).toEqual([]);
  expect(
    Object.keys(notYet).filter((id) => found.has(id)),
    'asked by now: strike them off',
  ).toEqual([]);
  expect(
    [...found.keys()].filter((id) => !scenarios.includes(id)),
    'unknown',
  ).toEqual([]);
});
