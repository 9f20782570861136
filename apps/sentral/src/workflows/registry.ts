import type { Workflow } from '@sentral/task';

/** Every kind of long-running work that this deployment can do. */
export const workflows: readonly Workflow[] = [];
