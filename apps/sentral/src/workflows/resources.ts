import { bucket } from './bucket.js';
import { cluster } from './cluster.js';
import { machine } from './machine.js';
import { network } from './network.js';
import type { PlatformResource } from './platform-resource.js';

/** What the platform makes: one line each. */
export const platformResources = [bucket, network, machine, cluster] as unknown as readonly PlatformResource[];
