import type { Database } from '@sentral/kernel/database';

export interface Deps {
  /** One pool per role: `tenancy_app` writes, `tenancy_read` is held to one tenant by its policies, `tenancy_platform` reads across. */
  readonly db: { readonly app: Database; readonly read: Database; readonly platform: Database };
}
