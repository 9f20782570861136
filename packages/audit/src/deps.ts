import type { Database } from '@sentral/kernel/database';
import type { Keyring } from './seal.js';
import type { Telemetry } from '@sentral/kernel/telemetry';

export interface Deps {
  /** One pool per role: `audit_app` writes, `audit_read` is held to one tenant by its policies, `audit_platform` reads across. */
  readonly db: { readonly app: Database; readonly read: Database; readonly platform: Database };
  readonly newId: () => string;
  /** `feed` opens what contexts have sealed, `instance` wraps the keys of those whom it is about. */
  readonly keys: { readonly feed: Keyring; readonly instance: Keyring };
  readonly telemetry: Pick<Telemetry, 'log' | 'count'>;
}
