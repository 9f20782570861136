import { idSchema } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { parseContent } from '@sentral/contracts/validation';
import { workflow, type StepPlan } from '@sentral/task';
import * as v from 'valibot';
import { asked, doing } from './platform-resource.js';

const environmentId = idSchema('env');

/**
 * Removes the platform's resources of an environment, each by the task that removes it. What they are is looked up when it runs, so
 * it can be begun again and again: an environment that is empty stays so.
 */
export const emptyEnvironment = workflow({
  kind: 'environment.empty',
  kindVersion: 1,
  summary: 'Removes the clusters, machines, networks and buckets of an environment, and leaves the environment.',
  permission: 'tenancy.environment.empty',
  input: v.strictObject({ environmentId }),
  // It empties where it lies, and no other.
  scheduled: (wanted, scopeId) => {
    parseContent(v.strictObject({}), wanted, '/input');
    if (v.is(environmentId, scopeId)) return { environmentId: scopeId };
    const message = 'must be an environment';
    throw problem('validation-failed', { errors: [{ pointer: '/scopeId', code: 'check', message }] });
  },
  plan: (input) => ({
    claims: [{ resource: input.environmentId, mode: 'exclusive' }],
    holdings: [],
    steps: [
      command(
        doing('look', 'inventory', 'environment.list-resources', {
          input: { environmentId: asked('environmentId') },
          undo: 'fence',
        }),
      ),
      command(
        doing('order', 'sentral', 'removals.plan', {
          needs: ['look'],
          input: { resources: { $from: '/steps/look/output/resources' } },
          undo: { action: 'answer.forget', input: {} },
        }),
      ),
      removing('first', 'order'),
      removing('last', 'first'),
    ],
    output: {
      first: { $from: '/steps/first/output/tasks' },
      last: { $from: '/steps/last/output/tasks' },
      more: { $from: '/steps/look/output/more' },
    },
  }),
});

const command = (step: ReturnType<typeof doing>): StepPlan => ({ ...step, kind: 'command' });

/** What is gone does not come back: whoever cannot remove something waits for a person, and its own task says why. */
const removing = (key: 'first' | 'last', after: string): StepPlan => ({
  ...doing(key, 'task', 'child.run', {
    needs: [...new Set(['order', after])],
    input: { tasks: { $from: `/steps/order/output/${key}` } },
    undo: { action: 'child.cancel', input: {} },
  }),
  kind: 'child',
  onFailure: 'hold',
  ...(key === 'first' ? { pivot: true, destructive: true } : {}),
});
