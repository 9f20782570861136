import type { Sealed } from '@sentral/contracts/audit-seal';
import type { Caller } from '@sentral/contracts/contract';
import type { Seal } from '@sentral/contracts/audit-seal';
import type { Entered } from '../auth/door.js';

/** Where a request came from and who sent it: what audit keeps apart, readable to few. */
interface From {
  readonly address: string;
  readonly userAgent: string | undefined;
  readonly entered: Entered | undefined;
}

const userAgentMax = 512;

/** Sealed once a request, when it is first asked for: most reads are never put on record. */
export function sealedOnce(seal: Seal, from: () => From): () => Sealed {
  let sealed: Sealed | undefined;
  return () => (sealed ??= seal(fieldsOf(from())));
}

function fieldsOf({ address, userAgent, entered }: From): object {
  return {
    source: { ip: address, ...(userAgent === undefined ? {} : { userAgent: userAgent.slice(0, userAgentMax) }) },
    ...(entered?.actor === undefined ? {} : { actor: wellFormed(entered.actor) }),
  };
}

/** A token may hold half of a surrogate pair, which has no canonical JSON; in the database it is U+FFFD too. */
const wellFormed = (actor: object): object =>
  Object.fromEntries(
    Object.entries(actor).map(([name, text]: [string, string]) => [name, Buffer.from(text).toString('utf8')]),
  );

/** The caller with what is sealed of it. */
export const withSealed = (caller: Caller, sealed: () => Sealed): Caller =>
  caller.request === undefined || caller.request.sealed !== undefined
    ? caller
    : { ...caller, request: { ...caller.request, sealed: sealed() } };
