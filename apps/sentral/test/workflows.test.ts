import { encodeId, parseId, type Prefix } from '@sentral/contracts/ids';
import { actions, knowsAction, type ActionDef } from '@sentral/contracts/services/registry';
import { newId } from '@sentral/kernel/id';
import { faultKinds, rehearse, type Fault, type Json, type Workflow } from '@sentral/task';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { creates, creatingOf, removes, type PlatformResource } from '../src/workflows/platform-resource.js';
import { workflows } from '../src/workflows/registry.js';
import { platformResources } from '../src/workflows/resources.js';
import { fixtures, others } from './workflow-fixtures.js';

// For every workflow of the registry, whoever adds one (task.md 16.3): nothing here knows a kind.

const idOf = <P extends Prefix>(prefix: P) => encodeId(prefix, newId());
const taskId = encodeId('tsk', newId());

function inputOf(def: PlatformResource, kind: string): Json {
  const id = idOf(def.prefix);
  if (kind === removes(def))
    return { id, name: 'thing', state: 'available', allocationId: idOf('alc'), ...fixtures[def.kind]?.removing };
  const { body, items = [] } = fixtures[def.kind] ?? {};
  const read = v.parse(def.body, { name: 'thing', ...body });
  const held = { id: idOf('alc') as never, items: items as never };
  const asked = { id, environmentId: idOf('env'), name: 'thing', labels: {}, held, body: read };
  const on = (def.on?.(read) ?? []).map((each) => encodeId('nod', parseId(each.id).uuid));
  return v.parse(workflowOf(kind).input, creatingOf(def, { ...asked, on })) as Json;
}

function workflowOf(kind: string): Workflow {
  const found = workflows.find((each) => each.kind === kind);
  if (found === undefined) throw new Error(`no workflow ${kind}`);
  return found;
}

const actionOf = (service: string, action: string) =>
  (actions as Record<string, Record<string, ActionDef>>)[service]?.[action];

interface Begun {
  /** Absent of a workflow that makes no resource. */
  readonly def?: PlatformResource;
  readonly kind: string;
  readonly input: Json;
  readonly name: string;
}

function caseOf({ def, kind, name, input: given }: Begun) {
  const workflow = workflowOf(kind);
  const input = v.parse(workflow.input, given) as Json;
  const plan = { ...workflow.plan(input, { taskId, newId }), kind, kindVersion: workflow.kindVersion };
  const outputs = (def === undefined ? others[kind] : fixtures[def.kind])?.outputs ?? {};
  const play = (fault?: Fault) => {
    const output = ({ stepId, of }: { stepId: string; of: { action: string } }): Json =>
      outputs[stepId] ??
      outputs[of.action] ??
      (of.action.startsWith('allocation.') ? { allocationId: idOf('alc') } : {});
    return rehearse(plan, { input, knows: knowsAction, output, ...(fault === undefined ? {} : { fault }) });
  };
  return { ...(def === undefined ? {} : { def }), kind, name, plan, play };
}

/** What the parts of a whole are begun with: to be made, to be taken back, and to go with it. */
function partsOf({ def, name, play }: ReturnType<typeof caseOf>): readonly Begun[] {
  const of = def?.parts?.of;
  if (of === undefined) return [];
  return [...play().commands, ...play({ kind: 'fail', step: 'ready' }).commands].flatMap(({ service, input }) => {
    const { tasks = [] } = (service === 'task' ? input : {}) as { tasks?: Pick<Begun, 'kind' | 'input'>[] };
    return tasks.slice(0, 1).map((part) => ({ ...part, def: of, name: `${part.kind} of ${name}` }));
  });
}

const resources = platformResources
  .flatMap((def) => [creates(def), removes(def)].map((kind) => ({ def, kind, name: kind, input: inputOf(def, kind) })))
  .map(caseOf);
const alone = Object.entries(others).map(([kind, { input }]) => caseOf({ kind, name: kind, input }));
const wholes = [...resources, ...alone];
const parts = new Map(wholes.flatMap(partsOf).map((part) => [part.name, part]));
const cases = [...wholes, ...[...parts.values()].map(caseOf)];

test('every workflow of the registry has a fixture, and there is no other', () => {
  expect(workflows.map(({ kind }) => kind).toSorted()).toEqual(wholes.map(({ kind }) => kind).toSorted());
  expect(Object.keys(fixtures).toSorted()).toEqual(platformResources.map(({ kind }) => kind).toSorted());
});

describe.each(cases)('$name', ({ plan, play }) => {
  const keys = plan.steps.map(({ key }) => key);
  const pivot = plan.steps.findIndex((step) => step.pivot === true);
  const behind = (key: string) => pivot !== -1 && keys.indexOf(key) >= pivot;
  /** A pivot that can be undone is passed with its success, any other as soon as it is out. */
  const kept = (key: string) => behind(key) && (keys.indexOf(key) > pivot || plan.steps[pivot]?.undo === 'none');
  /** A pivot that nobody is asked about is out with the success before it. */
  const atOnce = (key: string) => keys.indexOf(key) === pivot - 1 && plan.steps[pivot]?.destructive === false;

  test('comes to its end, and asks of each service what its contract takes', () => {
    const played = play();
    expect(played).toMatchObject({ state: 'succeeded', effects: keys, doubles: [] });
    // The first failure that can be taken back shows the undos too.
    const last = plan.steps.filter(({ key }) => !behind(key)).at(-1)?.key ?? '';
    for (const { service, of, action, direction, input } of [
      ...played.commands,
      ...play({ kind: 'fail', step: last }).commands,
    ]) {
      // A fence asks for nothing.
      if (direction === 'undo' && action === undefined) continue;
      const asked = actionOf(service, direction === 'do' ? of.action : (action ?? ''));
      if (asked === undefined) throw new Error(`${service} serves no ${action}`);
      expect(v.safeParse(asked.input, input).issues ?? [], `${service} ${action}`).toEqual([]);
    }
  });

  test.each(faultKinds.flatMap((kind) => keys.map((step) => ({ kind, step }))))('$kind at $step', (fault) => {
    const { state, hit, doubles, effects, pivotPassed } = play(fault);
    // A fault that never happened proves nothing.
    expect(hit).toBe(true);
    expect(doubles).toEqual([]);
    const ends: Record<Fault['kind'], string> = {
      twice: 'succeeded',
      timeout: 'succeeded',
      'lost-reply': 'succeeded',
      fail: behind(fault.step) ? 'stuck' : 'failed',
      cancel: kept(fault.step) ? 'succeeded' : 'cancelled',
      'undo-twice': behind(fault.step) || atOnce(fault.step) || fault.step === keys.at(-1) ? 'succeeded' : 'cancelled',
      'late-success': kept(fault.step) ? 'succeeded' : 'cancelled',
    };
    expect(state).toBe(ends[fault.kind]);
    // After a failure and a cancellation the world is as before.
    if (state === 'succeeded') expect(effects).toEqual(keys);
    else if (state !== 'stuck') expect({ effects, pivotPassed }).toEqual({ effects: [], pivotPassed: false });
  });
});
