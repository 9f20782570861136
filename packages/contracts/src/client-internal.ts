import * as v from 'valibot';
import type { Caller, CallOptions, ContractDef, Implements, VerbDef } from './contract.js';
import { asReplayed } from './contract.js';
import { problem, problemFromJson, type Problem } from './problem.js';

export interface RemoteOptions {
  /** Where the process of the context listens, without a path. */
  readonly baseUrl: string;
  /** Mints the bearer for one call; see internal-token. */
  readonly token: (audience: string) => Promise<string>;
  readonly fetch?: typeof fetch;
  /** How long one call may take, from the first byte sent to the last byte read. */
  readonly timeoutMs?: number;
}

const timeoutDefaultMs = 30_000;

/**
 * Stands in for a context that runs in another process: the same contract over HTTP, and nobody notices but by the
 * clock. An answer that was lost is `outcome-unknown` when asking again could do the thing twice, else
 * `dependency-unavailable`.
 */
export function remoteContext<const C extends ContractDef>(contract: C, options: RemoteOptions): Implements<C> {
  const entries = Object.entries(contract.nouns).map(([noun, verbs]) => [
    noun,
    Object.fromEntries(
      Object.entries(verbs).map(([name, def]) => [
        name,
        (caller: Caller, command: unknown, call: CallOptions = {}) =>
          callRemote({ contract, path: `${noun}/${name}`, def }, { caller, command }, { ...options, ...call }),
      ]),
    ),
  ]);
  return Object.fromEntries(entries) as Implements<C>;
}

interface Target {
  readonly contract: ContractDef;
  readonly path: string;
  readonly def: VerbDef;
}

async function callRemote(
  target: Target,
  body: { caller: Caller; command: unknown },
  options: RemoteOptions & CallOptions,
): Promise<unknown> {
  const { context } = target.contract;
  const url = new URL(`/internal/v1/${context}/${target.path}`, options.baseUrl);
  const authorization = `Bearer ${await options.token(context)}`;
  const send = options.fetch ?? fetch;
  const { signal, stop } = endOf(options);
  let response: Response;
  let text: string;
  try {
    response = await send(url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal,
    });
    text = await response.text();
  } catch (error) {
    throw Object.assign(lost(target, body.caller), { cause: error });
  } finally {
    stop();
  }
  const answer = parsed(text);
  if (response.ok) return resultOf(target, body.caller, answer);
  // 502 and 503 without a problem of ours come from something in between, after which anything may have happened.
  const refusal = problemFromJson(answer);
  if (refusal === undefined) throw response.status >= 500 ? lost(target, body.caller) : unreadable(response.status);
  // Not an end user's credentials were refused, but this process's own; only a verb that is about credentials refuses those.
  const own = response.headers.has('www-authenticate') || !target.def.refuses.includes('unauthenticated');
  if (refusal.code === 'unauthenticated' && own) throw unreadable(response.status);
  throw refusal;
}

/** The end of a call: its own time, or before that whatever the caller waits for no longer. */
function endOf({ timeoutMs = timeoutDefaultMs, signal }: Pick<RemoteOptions & CallOptions, 'timeoutMs' | 'signal'>) {
  const end = new AbortController();
  const abort = () => end.abort();
  const timer = setTimeout(abort, timeoutMs);
  if (signal?.aborted === true) abort();
  signal?.addEventListener('abort', abort, { once: true });
  const stop = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  };
  return { signal: end.signal, stop };
}

function resultOf(target: Target, caller: Caller, answer: unknown): unknown {
  const result = v.safeParse(target.def.result, answer);
  if (result.success) return asReplayed(answer, result.output);
  // The verb ran; only what it said cannot be read (a proxy's page, or a contract that narrowed).
  throw Object.assign(lost(target, caller), { cause: new Error(v.summarize(result.issues)) });
}

function lost({ contract, def }: Target, caller: Caller): Problem {
  const dependency = contract.context;
  if (def.idempotent || caller.dryRun === true) return problem('dependency-unavailable', { dependency });
  const { idempotency } = caller;
  return problem('outcome-unknown', { dependency, ...(idempotency && { idempotencyKey: idempotency.key }) });
}

function unreadable(status: number): Problem {
  return Object.assign(problem('internal'), { cause: new Error(`the internal wire answered ${status}`) });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
