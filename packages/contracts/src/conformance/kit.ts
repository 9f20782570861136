import type { Caller, ContractDef, Implements } from '../contract.js';
import { isProblem, type Problem, type ProblemCode } from '../problem.js';

/** What a case works with besides its subject; any test runner can give it. */
export interface Kit {
  /** A caller with the platform's eyes; what is passed replaces its parts. */
  caller(changes?: Partial<Caller>): Caller;
  /** A fresh name, so that cases on one database do not meet. */
  name(stem: string): string;
  /** Fails the case with this sentence unless it holds. */
  holds(condition: boolean, sentence: string): void;
  /** Fails the case unless both are the same JSON. */
  equals(actual: unknown, expected: unknown, sentence: string): void;
  /** Fails the case unless the call is refused with this code; gives the problem, to look at its facts. */
  refuses(code: ProblemCode, call: Promise<unknown>): Promise<Problem>;
}

/** One sentence about a contract, and how to see that it holds. */
export interface ConformanceCase<C extends ContractDef> {
  readonly title: string;
  readonly run: (subject: Implements<C>, kit: Kit) => Promise<void>;
}

/** Declares the cases of a contract; exists so that their subjects are typed. */
export function conformance<const C extends ContractDef>(
  _contract: C,
  cases: readonly ConformanceCase<C>[],
): readonly ConformanceCase<C>[] {
  return cases;
}

/** Makes the kit of one case. `seed` keeps its names apart from those of other cases and runs. */
export function createKit(seed: string, caller: Caller = platformCaller): Kit {
  let count = 0;
  return {
    caller: (changes = {}) => ({ ...caller, ...changes }),
    name: (stem) => `${stem}-${seed}-${(count += 1)}`.toLowerCase().slice(0, 63),
    holds,
    equals,
    refuses,
  };
}

/** Calls each case with a kit of its own through a runner's `test`. */
export function runConformance<C extends ContractDef>(
  cases: readonly ConformanceCase<C>[],
  {
    test,
    subject,
    seed,
  }: { test: (title: string, run: () => Promise<void>) => void; subject: () => Promise<Implements<C>>; seed: string },
): void {
  for (const [at, { title, run }] of cases.entries()) {
    test(title, async () => run(await subject(), createKit(`${seed}${at}`)));
  }
}

const platformCaller: Caller = {
  principal: { id: 'conformance', type: 'system' },
  accessEpoch: 1,
  readScope: { all: true },
  scopes: [],
};

/** Fails with the sentence unless the condition holds. */
export function holds(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(sentence);
}

/** Fails unless both are the same JSON, whatever the order of their keys. */
export function equals(actual: unknown, expected: unknown, sentence: string): void {
  const [a, b] = [canonical(actual), canonical(expected)];
  if (a !== b) throw new Error(`${sentence}\n  got      ${a}\n  expected ${b}`);
}

/** Fails unless the call is refused with this code. */
export async function refuses(code: ProblemCode, call: Promise<unknown>): Promise<Problem> {
  let result: unknown;
  try {
    result = await call;
  } catch (error) {
    if (isProblem(error, code)) return error;
    const got = isProblem(error) ? error.code : String(error);
    throw new Error(`expected the refusal ${code}, got ${got}`, { cause: error });
  }
  throw new Error(`expected the refusal ${code}, got the result ${canonical(result)}`);
}

function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, inside: unknown) =>
      typeof inside === 'object' && inside !== null && !Array.isArray(inside)
        ? Object.fromEntries(Object.entries(inside).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : inside,
    ) ?? 'undefined'
  );
}
