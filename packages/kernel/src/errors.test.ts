import { isProblem, problem } from '@sentral/contracts/problem';
import { describe, expect, it } from 'vitest';
import { constraintName, fault, isCommitUnknown, isRetryable, sqlState, toProblem } from './errors.js';

const ofPostgres = (code: string, more: object = {}): Error =>
  Object.assign(new Error('secret text of PostgreSQL'), { code, severity: 'ERROR', ...more });
const wrapped = (cause: unknown): Error => new Error('Failed query: select secret', { cause });

describe('what the database said', () => {
  it.each([
    ['40001', 'overloaded'], ['40P01', 'overloaded'], ['55P03', 'overloaded'], ['57014', 'overloaded'],
    ['25006', 'dependency-unavailable'], ['53100', 'dependency-unavailable'], ['53300', 'dependency-unavailable'],
    ['57P01', 'dependency-unavailable'], ['57P03', 'dependency-unavailable'], ['08006', 'dependency-unavailable'],
    ['42601', undefined], ['22012', undefined], ['23505', undefined],
  ])('%s means %s, and nothing of its text comes along', (code, expected) => {
    const known = toProblem(wrapped(ofPostgres(code)), {});
    expect(known?.code).toBe(expected);
    expect(JSON.stringify(known ?? '')).not.toContain('secret');
    if (known) expect(known.facts['retryAfterSeconds']).toBeGreaterThan(0);
  }); // prettier-ignore

  it('is judged by the name of the constraint, and an unknown name is a bug', () => {
    const taken = ofPostgres('23P01', { constraint_name: 'allocation_item_node_held_once' });
    const rules = { allocation_item_node_held_once: () => problem('allocation-conflict') };
    expect(toProblem(wrapped(taken), rules)?.code).toBe('allocation-conflict');
    expect(toProblem(taken, {})).toBeUndefined();
    expect(toProblem(ofPostgres('23505', { constraint_name: 'toString' }), {})).toBeUndefined();
    expect(constraintName(wrapped(wrapped(taken)))).toBe('allocation_item_node_held_once');
  });

  it('is not read from errors of others that carry a code', () => {
    expect(sqlState(Object.assign(new Error('x'), { code: 'EPIPE' }))).toBeUndefined();
    expect(sqlState('57014')).toBeUndefined();
    expect(isRetryable(wrapped(ofPostgres('40001')))).toBe(true);
  });

  it('passes a problem through, and tells the unknown outcome of a COMMIT', () => {
    const own = problem('not-found');
    expect(toProblem(own, {})).toBe(own);
    const unknown = fault('COMMIT_UNKNOWN', 'x', ofPostgres('57P01'));
    expect(isCommitUnknown(wrapped(unknown))).toBe(true);
    expect(toProblem(unknown, {})?.code).toBe('outcome-unknown');
    expect(isProblem(toProblem(fault('STATEMENT_DEADLINE', 'x'), {}), 'overloaded')).toBe(true);
    expect(toProblem(fault('REFUSED_TEXT', 'x'), {})).toBeUndefined();
  });
});
