import { problem } from '@sentral/contracts/problem';
import type { Clock } from '@sentral/kernel/id';
import type { Telemetry } from '@sentral/kernel/telemetry';
import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';

/** Keys of this age are asked for anew, so that one which its issuer has taken away opens nothing for longer. */
const freshMs = 10 * 60_000;
/** For how long they stay good while the issuer does not answer. */
const staleMs = 24 * 3_600_000;
/** Between two questions to one issuer, whatever tokens name: a storm of unknown key ids is not passed on. */
const coolDownMs = 30_000;
/** While none of its keys is known nobody of that issuer comes in, so it is asked again sooner. */
const firstCoolDownMs = 2_000;
const timeoutMs = 3_000;

interface Use {
  readonly clock: Clock;
  readonly log: Telemetry['log'];
}

/**
 * The keys of one issuer, fetched when they are needed. An issuer that is down costs one request its time-out; after
 * that it is asked beside the requests, which are judged by the keys it had, for a day.
 * @throws Problem dependency-unavailable while nothing of the issuer is known: a good token must not be called invalid
 */
export function createIssuerKeys(at: { issuer: string; url: string }, { clock, log }: Use): JWTVerifyGetKey {
  // The library fetches and reads; when it does is decided here.
  const remote = createRemoteJWKSet(new URL(at.url), { timeoutDuration: timeoutMs });
  const now = () => clock().getTime();
  let known: { readonly keyOf: JWTVerifyGetKey; readonly since: number } | undefined;
  let asking: Promise<void> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let away = false;

  const ask = async (): Promise<void> => {
    askedAt = now();
    try {
      await remote.reload();
      const set = remote.jwks();
      if (set !== undefined) known = { keyOf: createLocalJWKSet(set), since: now() };
      if (away) log('info', 'an issuer is back', { issuer: at.issuer });
      away = false;
    } catch (error) {
      away = true;
      log('warn', 'the keys of an issuer cannot be fetched', { issuer: at.issuer, error });
    }
  };
  const askOnceCool = async (): Promise<void> => {
    const coolAt = askedAt + (known === undefined ? firstCoolDownMs : coolDownMs);
    if (asking === undefined && now() < coolAt) return;
    asking ??= ask().finally(() => (asking = undefined));
    await asking;
  };
  const usable = () => known !== undefined && now() - known.since <= staleMs;

  return async (header, token) => {
    if (known === undefined || now() - known.since > freshMs) {
      const asked = askOnceCool();
      if (!away || !usable()) await asked;
    }
    if (known === undefined || !usable()) throw problem('dependency-unavailable', { dependency: 'issuer' });
    try {
      return await known.keyOf(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await askOnceCool();
      return known.keyOf(header, token);
    }
  };
}
