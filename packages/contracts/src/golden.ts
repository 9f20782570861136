import { compare, type Change } from './compat.js';
import type { ContractDef } from './contract.js';
import type { EventsDef } from './events.js';
import { jsonSchema, type ToJsonSchema } from './openapi.js';

type Json = Record<string, unknown>;

/** What a context promises, as plain JSON: the file that a change of the contract is compared with. */
export interface Golden {
  readonly context: string;
  readonly verbs: Readonly<Record<string, GoldenVerb>>;
  readonly events: Readonly<Record<string, Json>>;
}

interface GoldenVerb {
  readonly command: Json;
  readonly result: Json;
  readonly refuses: readonly string[];
  readonly idempotent: boolean;
}

/** Writes down a contract and its events as JSON Schema. */
export function goldenOf(toJsonSchema: ToJsonSchema, contract: ContractDef, events?: EventsDef): Golden {
  const verbs = Object.entries(contract.nouns).flatMap(([noun, defs]) =>
    Object.entries(defs).map(([name, def]): [string, GoldenVerb] => [
      `${noun}.${name}`,
      {
        command: jsonSchema(toJsonSchema, def.command, { typeMode: 'input' }),
        result: jsonSchema(toJsonSchema, def.result, { typeMode: 'output' }),
        refuses: def.refuses.toSorted(),
        idempotent: def.idempotent,
      },
    ]),
  );
  const data = Object.entries(events?.events ?? {}).map(([name, { data: schema, majorVersion }]): [string, Json] => [
    `${name}.v${majorVersion ?? 1}`,
    jsonSchema(toJsonSchema, schema, { typeMode: 'output' }),
  ]);
  return { context: contract.context, verbs: sorted(verbs), events: sorted(data) };
}

/** Everything that differs between two goldens of a context, each with whether it breaks somebody. */
export function compareGolden(older: Golden, newer: Golden): readonly Change[] {
  const names = (a: object, b: object): string[] => [...new Set([...Object.keys(a), ...Object.keys(b)])];
  const verbs = names(older.verbs, newer.verbs).flatMap((name) => {
    const [before, after] = [older.verbs[name], newer.verbs[name]];
    if (before === undefined) return [{ path: name, change: 'verb added', breaking: false }];
    if (after === undefined) return [{ path: name, change: 'verb removed', breaking: true }];
    return compareVerb(name, before, after);
  });
  const events = names(older.events, newer.events).flatMap((name) => {
    const [before, after] = [older.events[name], newer.events[name]];
    if (before === undefined) return [{ path: name, change: 'event added', breaking: false }];
    if (after === undefined) return [{ path: name, change: 'event removed', breaking: true }];
    return under(`${name}:data`, compare(before, after, 'out'));
  });
  return [...verbs, ...events];
}

function compareVerb(name: string, before: GoldenVerb, after: GoldenVerb): readonly Change[] {
  const came = after.refuses.filter((code) => !before.refuses.includes(code));
  const gone = before.refuses.filter((code) => !after.refuses.includes(code));
  return [
    ...under(`${name}:command`, compare(before.command, after.command, 'in')),
    ...under(`${name}:result`, compare(before.result, after.result, 'out')),
    // Nobody can be ready for a refusal that was not listed; one that no longer comes harms nobody.
    ...came.map((code) => ({ path: name, change: `refusal added: ${code}`, breaking: true })),
    ...gone.map((code) => ({ path: name, change: `refusal removed: ${code}`, breaking: false })),
    ...(before.idempotent === after.idempotent
      ? []
      : [{ path: name, change: `idempotent ${before.idempotent} → ${after.idempotent}`, breaking: before.idempotent }]),
  ];
}

function under(where: string, changes: readonly Change[]): readonly Change[] {
  return changes.map((change) => ({ ...change, path: where + change.path }));
}

function sorted<T>(entries: readonly [string, T][]): Readonly<Record<string, T>> {
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
