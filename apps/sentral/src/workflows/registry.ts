import type { Workflow } from '@sentral/task';
import { emptyEnvironment } from './environment.js';
import { workflowsOf } from './platform-resource.js';
import { platformResources } from './resources.js';

/** Every kind of long-running work that this deployment can do. */
export const workflows: readonly Workflow[] = [
  ...platformResources.flatMap(workflowsOf),
  emptyEnvironment as unknown as Workflow,
];
