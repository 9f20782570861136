import type { Workflow } from '@sentral/task';
import { auditExport } from './audit-export.js';
import { emptyEnvironment } from './environment.js';
import { workflowsOf } from './platform-resource.js';
import { platformResources } from './resources.js';

/** Every kind of long-running work that this deployment can do. */
export const workflows: readonly Workflow[] = [
  ...platformResources.flatMap(workflowsOf),
  auditExport as unknown as Workflow,
  emptyEnvironment as unknown as Workflow,
];
