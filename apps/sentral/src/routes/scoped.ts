import type { Place } from '@sentral/contracts/api/tenancy/scoped';

/** The same handler behind a route that hangs under several scopes; which one it is, `asked.scopeId` says. */
export function onEach<const P extends readonly Place[], const V extends string, const N extends string, H>(
  of: P,
  at: { readonly verb: V; readonly noun: N },
  handler: H,
): { readonly [K in P[number] as `${V}${K}${N}`]: H } {
  return Object.fromEntries(of.map((name) => [`${at.verb}${name}${at.noun}`, handler])) as never;
}
