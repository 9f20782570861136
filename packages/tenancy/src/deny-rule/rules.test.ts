import { describe, expect, test } from 'vitest';
import {
  exemptsItself,
  freedOf,
  isForEveryone,
  meets,
  someoneCanOpen,
  type Rule,
  type StoredSubject,
} from './rules.js';

const ada: StoredSubject = { type: 'user', id: 'usr_01jdx3z6x7e008000000000001' } as StoredSubject;
const eve: StoredSubject = { type: 'user', id: 'usr_01jdx3z6x7e008000000000002' } as StoredSubject;
const team: StoredSubject = { type: 'group', issuer: 'https://id.example', name: 'team' };
const who = (subject: StoredSubject, groups: StoredSubject[] = []) => ({
  id: subject.type === 'group' ? '' : subject.id,
  groups: groups.flatMap((group) => (group.type === 'group' ? [{ issuer: group.issuer, name: group.name }] : [])),
});
const rule = (
  subjects: StoredSubject[] | null,
  exceptions: StoredSubject[] = [],
  permissions = ['a.b.c', 'a.b.d'],
): Rule => ({
  subjects,
  exceptions,
  permissions,
});

describe('whom a rule meets', () => {
  test('everyone when it names nobody, whom it names otherwise, and never its exceptions', () => {
    expect(meets(rule(null), who(ada))).toBe(true);
    expect(meets(rule([eve]), who(ada))).toBe(false);
    expect(meets(rule([team]), who(ada, [team]))).toBe(true);
    expect(meets(rule(null, [ada]), who(ada))).toBe(false);
    expect(meets(rule([ada], [team]), who(ada, [team]))).toBe(false);
    expect(meets(rule([team]), who(ada, [{ ...team, issuer: 'https://elsewhere.example' }]))).toBe(false);
  });
});

describe('nobody exempts itself', () => {
  const cases: readonly [string, Rule | undefined, Rule | undefined, boolean][] = [
    ['a new rule for everyone but its author', undefined, rule(null, [ada]), true],
    ['a new rule for everyone but a group of its author', undefined, rule(null, [team]), true],
    ['a new rule for another, with its author among the exceptions to be sure', undefined, rule([eve], [ada]), true],
    ['a new rule for everyone but another', undefined, rule(null, [eve]), false],
    ['writing itself among the exceptions', rule(null, [eve]), rule(null, [eve, ada]), true],
    ['writing its group among the exceptions', rule(null), rule(null, [team]), true],
    ['taking itself out of the subjects', rule([ada, eve]), rule([eve]), true],
    ['naming another instead of everyone', rule(null), rule([eve]), true],
    ['forbidding itself less, by a rule that has exceptions', rule(null, [eve]), rule(null, [eve], ['a.b.c']), true],
    ['ending a rule that names it', rule([ada]), undefined, true],
    ['ending a rule for everyone but others', rule(null, [eve]), undefined, true],
    ['ending a rule for everyone', rule(null), undefined, false],
    ['taking back a part of a rule for everyone, for everyone', rule(null), rule(null, [], ['a.b.c']), false],
    ['freeing another', rule([ada, eve]), rule([ada]), false],
    ['forbidding more', rule([ada]), rule(null, [], ['a.b.c', 'a.b.d', 'a.b.e']), false],
    ['editing a rule that excepted it before', rule(null, [ada]), rule(null, [ada], ['a.b.c']), false],
    ['ending a rule that excepted it before', rule(null, [ada]), undefined, false],
    ['editing a rule about another', rule([eve]), rule([eve], [], ['a.b.c']), false],
  ];
  test.each(cases)('%s', (_title, before, after, exempts) => {
    expect(exemptsItself(before, after, who(ada, [team]))).toBe(exempts);
  });

  test('what of a rule would meet somebody no more', () => {
    expect(freedOf(rule([ada]), rule([ada], [], ['a.b.d']), who(ada))).toEqual(['a.b.c']);
    expect(freedOf(rule([ada]), undefined, who(ada))).toEqual(['a.b.c', 'a.b.d']);
    expect(freedOf(rule([eve]), undefined, who(ada))).toEqual([]);
    expect([isForEveryone(rule(null)), isForEveryone(rule(null, [eve])), isForEveryone(rule([ada]))]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

test('somebody who lasts stays free of all rules together, not of each by itself', () => {
  const both = [rule(null, [ada]), rule(null, [eve])];
  expect(both.every((each) => someoneCanOpen([who(ada), who(eve)], [each]))).toBe(true);
  expect(someoneCanOpen([who(ada), who(eve)], both)).toBe(false);
  expect(someoneCanOpen([who(team, [team])], [rule(null, [team])])).toBe(true);
  expect(someoneCanOpen([], [])).toBe(false);
});
