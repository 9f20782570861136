import { describe, expect, test } from 'vitest';
import { backoffMs, defaultPolicy, patienceMs, policyOf, type Plan, type StepPlan } from './plan.js';
import { referencesOf, resolve, type Json } from './template.js';
import { topological, violationsOf } from './validate.js';

const step = (key: string, changes: Partial<StepPlan> = {}): StepPlan => ({
  key,
  kind: 'command',
  service: 'nett',
  action: 'port.attach',
  contract: 1,
  input: {},
  undo: { action: 'port.detach' },
  ...changes,
});
const planOf = (steps: readonly StepPlan[], changes: Partial<Plan> = {}): Plan => ({
  kind: 'cluster.create',
  kindVersion: 1,
  claims: [],
  holdings: [],
  steps,
  ...changes,
});
const known = ['port.attach', 'port.detach', 'allocation.bind', 'allocation.release'];
const wrongIn = (plan: Plan): readonly string[] => violationsOf(plan, (_, action) => known.includes(action));
const bind = step('bind', { service: 'inventory', action: 'allocation.bind', undo: { action: 'allocation.release' } });

describe('a plan', () => {
  test('that is sound has nothing wrong', () => {
    const steps = [
      step('a', { input: { name: { $from: '/input/name' }, task: { $from: '/task/id' } } }),
      step('b', { needs: ['a'], pivot: true, undo: 'none', input: { $from: '/steps/a/output/id' } }),
      step('go', { kind: 'wait', service: 'sentral', action: 'approved', undo: 'none', needs: ['b'] }),
      step('c', { needs: ['go'], onFailure: 'hold' }),
    ];
    expect(
      wrongIn(
        planOf([bind, ...steps], { holdings: [{ ref: 'alc', kind: 'node' }], output: { $from: '/steps/c/output' } }),
      ),
    ).toEqual([]);
  });

  test.each<[string, Plan, RegExp]>([
    ['has no steps', planOf([]), /at least one step/],
    ['has a kind that is no name', planOf([step('a')], { kind: 'Create' }), /kind Create/],
    ['uses a key twice', planOf([step('a'), step('a')]), /two steps have one key/],
    ['uses a key that is no token', planOf([step('A b')]), /key/],
    ['needs a step that is none', planOf([step('a', { needs: ['x'] })]), /needs x/],
    ['goes in a circle', planOf([step('a', { needs: ['b'] }), step('b', { needs: ['a'] })]), /circle/],
    [
      'takes output of a step that it does not need',
      planOf([step('a'), step('b', { input: { $from: '/steps/a/output/id' } })]),
      /no ancestor/,
    ],
    [
      'takes output in an undo from what may not be there',
      planOf([step('a', { undo: { action: 'port.detach', input: { $from: '/steps/a/output/id' } } })]),
      /undo takes/,
    ],
    [
      'has two pivots on one path',
      planOf([step('a', { pivot: true }), step('b', { needs: ['a'], pivot: true, undo: 'none' })]),
      /second pivot/,
    ],
    [
      'wants to undo behind its pivot',
      planOf([step('a', { pivot: true }), step('b', { needs: ['a'] })]),
      /after a pivot/,
    ],
    ['has more than 200 steps', planOf(Array.from({ length: 201 }, (_, n) => step(`s${n}`))), /200 steps/],
    ['is larger than 256 KiB', planOf([step('a', { input: 'x'.repeat(300_000) })]), /262144 bytes/],
    ['asks for what nobody serves', planOf([step('a', { action: 'port.paint' })]), /serves no port.paint/],
    ['undoes by what nobody serves', planOf([step('a', { undo: { action: 'port.scrape' } })]), /serves no port.scrape/],
    ['names no action for an undo', planOf([step('a', { undo: { action: '' } })]), /names no action/],
    ['undoes a wait', planOf([step('a', { kind: 'wait' })]), /wait has nothing to undo/],
    ['leaves a child alone', planOf([step('a', { kind: 'child', undo: 'none' })]), /child is undone/],
    [
      'holds something that no step binds',
      planOf([step('a')], { holdings: [{ ref: 'alc', kind: 'node' }] }),
      /binds them/,
    ],
    [
      'claims a resource twice',
      planOf([step('a')], {
        claims: [
          { resource: 'r', mode: 'exclusive' },
          { resource: 'r', mode: 'observe' },
        ],
      }),
      /claimed twice/,
    ],
    ['uses a directive that is none', planOf([step('a', { input: { $eval: '1' } })]), /\$eval is not known/],
    [
      'mixes a directive with fields',
      planOf([step('a', { input: { $from: '/input', name: 'x' } })]),
      /stands with other keys/,
    ],
    ['refers to somewhere else', planOf([step('a', { input: { $from: '/secrets/key' } })]), /is not a path/],
  ])('is refused that %s', (_, plan, what) => {
    expect(wrongIn(plan).join('\n')).toMatch(what);
  });

  test('is put in an order in which each step stands behind what it needs', () => {
    const steps = [step('c', { needs: ['b'] }), step('a'), step('b', { needs: ['a'] })];
    expect(topological(steps)?.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  });
});

describe('a template', () => {
  const outputs: Record<string, Json | undefined> = { a: { id: 'p1', list: [{ x: 1 }], 'a/b': true }, gone: null };
  const scope = { taskId: 'tsk', input: { name: 'web' }, outputOf: (key: string) => outputs[key] };
  const valueOf = (template: Json): unknown => {
    const resolved = resolve(template, scope);
    return resolved.ok ? resolved.value : resolved.reason;
  };

  test.each<[string, Json, unknown]>([
    ['is what it says', { a: [1, 'x', null, true] }, { a: [1, 'x', null, true] }],
    ['takes from the input', { n: { $from: '/input/name' } }, { n: 'web' }],
    ['takes from an output, through lists', { $from: '/steps/a/output/list/0/x' }, 1],
    ['reads an escaped token', { $from: '/steps/a/output/a~1b' }, true],
    ['takes the id of the task', { $from: '/task/id' }, 'tsk'],
    ['joins text', { $concat: ['net-', { $from: '/input/name' }, '-', 7] }, 'net-web-7'],
    ['hears null of a step that was passed over', { $from: '/steps/gone/output/deep/inside' }, null],
    ['refuses a path that leads nowhere', { x: { $from: '/input/age' } }, '/input/age leads nowhere'],
    ['refuses what an object inherits', { $from: '/input/toString' }, '/input/toString leads nowhere'],
    ['refuses a step that has not ended', { $from: '/steps/later/output' }, '/steps/later/output leads nowhere'],
  ])('%s', (_, template, value) => {
    expect(valueOf(template)).toEqual(value);
  });

  test('keeps a key that JavaScript gives a meaning', () => {
    expect(JSON.stringify(valueOf(JSON.parse('{"__proto__": {"a": 1}}') as Json))).toBe('{"__proto__":{"a":1}}');
  });

  test('does not fill in again what it was filled with', () => {
    const hostile = resolve({ $from: '/input' }, { ...scope, input: { $from: '/steps/a/output/id' } });
    expect(hostile).toEqual({ ok: true, value: { $from: '/steps/a/output/id' } });
  });

  test('names its references', () => {
    expect(referencesOf({ a: [{ $from: '/input/x' }, { $concat: [{ $from: '/steps/b/output' }] }] })).toEqual({
      paths: ['/input/x', '/steps/b/output'],
      wrong: [],
    });
  });
});

test('waiting grows to its cap, and jitter takes at most half of it', () => {
  const { retry } = defaultPolicy;
  expect([1, 2, 3, 7, 20].map((n) => backoffMs(retry, n, 1))).toEqual([1_000, 2_000, 4_000, 60_000, 60_000]);
  expect(backoffMs(retry, 3, 0)).toBe(2_000);
  expect([0, 1, 4, 5, 50].map((n) => patienceMs(defaultPolicy, n))).toEqual([
    30_000, 60_000, 480_000, 600_000, 600_000,
  ]);
  // Who asks for more patience than the bound has it from the start.
  expect(patienceMs(policyOf({ ackMs: 900_000 }), 3)).toBe(900_000);
});
