import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readConfig, settingNames } from '../src/config.js';

const admin = 'postgres://migrator:a%40b@db.example:5432,db2.example/sentral';

function passwordFile(text: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'sentral-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(path.join(folder, 'passwords'), text);
  return path.join(folder, 'passwords');
}

test('a context on a database of its own is reached there with the login of the migrator', () => {
  const { places } = readConfig({
    SENTRAL_MIGRATOR_DATABASE_URL: admin,
    SENTRAL_INVENTORY_DATABASE_URL: 'postgres://elsewhere.example/inventory',
  });
  expect(places.map(({ room, url }) => [room.migrations.context, url])).toEqual([
    ['tenancy', admin],
    ['inventory', 'postgres://migrator:a%40b@elsewhere.example/inventory'],
    ['task', admin],
    ['audit', admin],
    ['bus', admin],
  ]);
});

test('SENTRAL_CONTEXTS says which contexts are here, and with NATS there is no mailbox', () => {
  const { places } = readConfig({
    SENTRAL_MIGRATOR_DATABASE_URL: admin,
    SENTRAL_CONTEXTS: 'audit, inventory',
    SENTRAL_NATS_URL: 'nats://x',
  });
  expect(places.map(({ room }) => room.migrations.context)).toEqual(['inventory', 'audit']);
});

test('the password file holds role:password lines, and a password may hold a colon', () => {
  const file = passwordFile('# made by hand\ninventory_app:a:b\r\n\ninventory_read: c\n');
  expect(readConfig({ SENTRAL_MIGRATOR_DATABASE_URL: admin, SENTRAL_DATABASE_PASSWORD_FILE: file }).passwords).toEqual({
    inventory_app: 'a:b',
    inventory_read: ' c',
  });
});

test('a wrong setting is named, and no line of the password file is shown', () => {
  expect(() => readConfig({})).toThrow(/SENTRAL_MIGRATOR_DATABASE_URL is not set/);
  expect(() => readConfig({ SENTRAL_MIGRATOR_DATABASE_URL: 'mysql://x/y' })).toThrow(
    /SENTRAL_MIGRATOR_DATABASE_URL must read/,
  );
  expect(() => readConfig({ SENTRAL_MIGRATOR_DATABASE_URL: admin, SENTRAL_CONTEXTS: 'billing' })).toThrow(
    /"billing", which is no context/,
  );
  const file = passwordFile('hunter2\n');
  expect(() => readConfig({ SENTRAL_MIGRATOR_DATABASE_URL: admin, SENTRAL_DATABASE_PASSWORD_FILE: file })).toThrow(
    /^SENTRAL_DATABASE_PASSWORD_FILE: entry 1 must read role:password$/,
  );
});

test('a misspelt setting is named, and those of the other processes may be there', () => {
  const whole = { SENTRAL_MIGRATOR_DATABASE_URL: admin, SENTRAL_PORT: '8080', SENTRAL_TENANCY_URL: 'http://x' };
  expect(readConfig(whole).places).toHaveLength(5);
  expect(() => readConfig({ ...whole, SENTRAL_INVENTRY_DATABASE_URL: 'postgres://x/y' })).toThrow(
    /SENTRAL_INVENTRY_DATABASE_URL is no setting/,
  );
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  const rows = page
    .split('\n')
    .flatMap((line) => (/^\| (SENTRAL_[^|]*)\|/.exec(line)?.[1] ?? '').match(/SENTRAL_[A-Z_<>]+/g) ?? []);
  expect([...settingNames].sort()).toEqual(rows.sort());
});
