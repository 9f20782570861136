import { migrations as audit } from '@sentral/audit/migrations';
import { migrations as inventory } from '@sentral/inventory/migrations';
import { busMigrations } from '@sentral/kernel/bus/mailbox-schema';
import { migrations as task } from '@sentral/task/migrations';
import { migrations as tenancy } from '@sentral/tenancy/migrations';
import { globalSetup } from '@sentral/testing';

export default globalSetup([tenancy, inventory, task, audit, busMigrations]);
