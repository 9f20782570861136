import { busMigrations } from '../src/bus/mailbox-schema.js';
import { openDatabase, type Database } from '../src/database.js';
import { ensureRoles, migrateContext } from '../src/migrate.js';

export interface BusDatabase {
  /** As bus_app, the role of production. */
  readonly db: Database;
  readonly appUrl: string;
  open(): Database;
  drop(): Promise<void>;
}

/** A database of its own with the migrated schema `bus`. */
export async function busDatabase(adminUrl: string, name: string): Promise<BusDatabase> {
  const admin = openDatabase({ url: adminUrl, applicationName: 'bus-test', poolSize: 1 });
  await admin.unsafe(`drop database if exists ${name} with (force)`);
  await admin.unsafe(`create database ${name}`);
  const target = new URL(adminUrl);
  target.pathname = `/${name}`;
  const owner = openDatabase({ url: target.href, applicationName: 'bus-test', poolSize: 2 });
  await ensureRoles(owner, [busMigrations], { bus_app: 'sentral' });
  await migrateContext(owner, busMigrations);
  await owner.close();
  target.username = 'bus_app';
  target.password = 'sentral';
  const open = (): Database => openDatabase({ url: target.href, applicationName: 'bus-test', poolSize: 8 });
  const db = open();
  return {
    db,
    appUrl: target.href,
    open,
    drop: async () => {
      await db.close();
      await admin.unsafe(`drop database if exists ${name} with (force)`);
      await admin.close();
    },
  };
}
