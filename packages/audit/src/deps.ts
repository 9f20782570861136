import type { Database } from '@sentral/kernel/database';
import type { Telemetry } from '@sentral/kernel/telemetry';

export interface Deps {
  /** One pool per role: `audit_app` writes, `audit_read` is held to one tenant by its policies, `audit_platform` reads across. */
  readonly db: { readonly app: Database; readonly read: Database; readonly platform: Database };
  readonly newId: () => string;
  readonly telemetry: Pick<Telemetry, 'log' | 'count'>;
}
