import { problem } from '@sentral/contracts/problem';

export type RateClass = 'read' | 'write';

/** Tokens come back at `perSecond` up to `burst`. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}
export type Rates = Readonly<Record<RateClass, Rate>>;

/** Of the door itself: failures to authenticate, by address. */
const failures: Rate = { perSecond: 10 / 60, burst: 10 };

export interface RateLimiter {
  /**
   * Takes one token of the principal, and says what is left for the answer's headers; a refusal brings them along.
   * @throws Problem rate-limited
   */
  take(principalId: string, what: RateClass): Readonly<Record<string, string>>;
  /**
   * Counts a failure to authenticate; whoever has a good credential never meets this.
   * @throws Problem rate-limited
   */
  failed(address: string): void;
}

interface Bucket {
  tokens: number;
  at: number;
}

const bucketsMax = 50_000;

/** Token buckets in memory: each replica counts for itself (api.md A.14). Without rates nothing is counted. */
export function createRateLimiter(rates: Rates | undefined, now: () => number = () => performance.now()): RateLimiter {
  const buckets = new Map<string, Bucket>();
  const refill = (key: string, rate: Rate): Bucket => {
    const at = now();
    const known = buckets.get(key);
    if (known === undefined) {
      // A full bucket says the same as none, so forgetting costs nothing but a burst.
      if (buckets.size >= bucketsMax) buckets.clear();
      const made = { tokens: rate.burst, at };
      buckets.set(key, made);
      return made;
    }
    known.tokens = Math.min(rate.burst, known.tokens + ((at - known.at) / 1000) * rate.perSecond);
    known.at = at;
    return known;
  };
  const spend = (key: string, rate: Rate, policy: string): Readonly<Record<string, string>> => {
    const bucket = refill(key, rate);
    const refused = bucket.tokens < 1;
    if (!refused) bucket.tokens -= 1;
    const headers = headersOf(rate, policy, Math.floor(bucket.tokens));
    if (!refused) return headers;
    const retryAfterSeconds = Math.max(1, Math.ceil((1 - bucket.tokens) / rate.perSecond));
    throw Object.assign(problem('rate-limited', { violatedPolicies: [policy], retryAfterSeconds }), { headers });
  };
  return {
    take: (principalId, what) => (rates === undefined ? {} : spend(`${what} ${principalId}`, rates[what], what)),
    failed(address) {
      if (rates === undefined) return;
      spend(`failure ${networkOf(address)}`, failures, 'authentication');
    },
  };
}

function headersOf(rate: Rate, policy: string, left: number): Readonly<Record<string, string>> {
  const window = Math.max(1, Math.round(rate.burst / rate.perSecond));
  return {
    'ratelimit-policy': `"${policy}";q=${rate.burst};w=${window}`,
    ratelimit: `"${policy}";r=${left};t=${Math.ceil((rate.burst - left) / rate.perSecond)}`,
  };
}

/** IPv6 users have a /64 each; an IPv4 address in IPv6 clothes is itself. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [head = '', tail = ''] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const gap = address.includes('::') ? Array.from({ length: 8 - left.length - right.length }, () => '0') : [];
  return [...left, ...gap, ...right]
    .slice(0, 4)
    .map((part) => Number.parseInt(part, 16).toString(16))
    .join(':');
}
