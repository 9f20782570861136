import { isProblem } from '@sentral/contracts/problem';
import { describe, expect, test } from 'vitest';
import { createRateLimiter, networkOf } from './rate-limit.js';

const rates = { read: { perSecond: 100, burst: 200 }, write: { perSecond: 20, burst: 40 } };

const refusalOf = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return isProblem(error) ? { code: error.code, ...error.facts } : error;
  }
  return 'let through';
};

describe('rates', () => {
  test('a burst passes, the next one waits and is told for how long', () => {
    const limiter = createRateLimiter(rates, () => 0);
    for (let n = 0; n < 40; n += 1) limiter.take('usr_a', 'write');
    expect(refusalOf(() => limiter.take('usr_a', 'write'))).toEqual({
      code: 'rate-limited',
      violatedPolicies: ['write'],
      retryAfterSeconds: 1,
    });
    expect(
      refusalOf(() => limiter.take('usr_b', 'write')),
      'another principal',
    ).toBe('let through');
    expect(
      refusalOf(() => limiter.take('usr_a', 'read')),
      'another class',
    ).toBe('let through');
  });

  test('tokens come back with time and never above the burst', () => {
    let at = 0;
    const limiter = createRateLimiter(rates, () => at);
    for (let n = 0; n < 40; n += 1) limiter.take('usr_a', 'write');
    at = 1_000;
    for (let n = 0; n < 20; n += 1) limiter.take('usr_a', 'write');
    expect(refusalOf(() => limiter.take('usr_a', 'write'))).toMatchObject({ code: 'rate-limited' });
    at = 3_600_000;
    expect(limiter.take('usr_a', 'write')).toEqual({
      'ratelimit-policy': '"write";q=40;w=2',
      ratelimit: '"write";r=39;t=1',
    });
  });

  test('ten failures a minute of one network, then it waits', () => {
    const limiter = createRateLimiter(rates, () => 0);
    for (let n = 0; n < 10; n += 1) limiter.failed(`2001:db8::${n}`);
    expect(refusalOf(() => limiter.failed('2001:db8:0:0:ffff::1'))).toMatchObject({
      violatedPolicies: ['authentication'],
    });
    expect(
      refusalOf(() => limiter.failed('2001:db8:0:1::1')),
      'the next /64',
    ).toBe('let through');
  });
});

test('a network is a /64, or one IPv4 address', () => {
  expect([networkOf('::ffff:10.0.0.1'), networkOf('10.0.0.1'), networkOf('2001:DB8::1'), networkOf('::1')]).toEqual([
    '10.0.0.1',
    '10.0.0.1',
    '2001:db8:0:0',
    '0:0:0:0',
  ]);
});
