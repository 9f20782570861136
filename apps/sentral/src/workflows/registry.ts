import type { Workflow } from '@sentral/task';
import { auditExport } from './audit-export.js';
import { bucket } from './bucket.js';
import { cluster } from './cluster.js';
import { machine } from './machine.js';
import { network } from './network.js';
import { workflowsOf, type PlatformResource } from './platform-resource.js';

/** What the platform makes: one line each. */
export const platformResources = [bucket, network, machine, cluster] as unknown as readonly PlatformResource[];

/** Every kind of long-running work that this deployment can do. */
export const workflows: readonly Workflow[] = [
  ...platformResources.flatMap(workflowsOf),
  auditExport as unknown as Workflow,
];
