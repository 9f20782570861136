import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { contextNames, readConfig, settingNames } from './config.js';

const dir = mkdtempSync(path.join(tmpdir(), 'sentral-config-'));
const file = (name: string, text: string) => {
  writeFileSync(path.join(dir, name), text);
  return path.join(dir, name);
};
const key = file('key', `${Buffer.alloc(32, 7).toString('base64')}\n`);
const complete = {
  SENTRAL_DATABASE_URL: 'postgres://db.example:5432/sentral',
  SENTRAL_ISSUERS_FILE: file('issuers', '[]'),
  SENTRAL_INSTANCE_KEY_FILE: key,
  SENTRAL_FEED_KEY_FILE: key,
  SENTRAL_AUDIT_SIGNING_KEY_FILE: key,
};

describe('settings are read once, and a wrong one stops the start with its name', () => {
  test('production is the default, and all contexts run here', () => {
    const config = readConfig(complete);
    expect(config).toMatchObject({
      mode: 'production',
      host: '127.0.0.1',
      port: 8080,
      facade: true,
      contexts: ['tenancy', 'inventory', 'task', 'audit'],
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test.each(Object.keys(complete))('without %s the message names it', (name) => {
    expect(() => readConfig({ ...complete, [name]: undefined })).toThrow(name);
  });

  test.each([
    ['SENTRAL_PORT', '80a'],
    ['SENTRAL_PORT', '70000'],
    ['SENTRAL_MODE', 'prod'],
    ['SENTRAL_DATABASE_URL', 'mysql://x/y'],
    ['SENTRAL_DATABASE_URL', 'postgres://root:secret@db/sentral'],
    ['SENTRAL_DATABASE_URL', 'postgres://db/sentral?sslmode=verify-ca'],
    ['SENTRAL_CONTEXTS', 'inventory,billing'],
    ['SENTRAL_NATS_URL', 'http://bus'],
    ['SENTRAL_FEED_KEY_FILE', '/nowhere/key'],
    ['SENTRAL_FEED_KEY_FILE', file('short', 'c2hvcnQ=')],
    ['SENTRAL_DATABASE_PASSWORD_FILE', file('passwords', 'no colon here')],
    ['SENTRAL_NATS_URLS', 'nats://bus'],
    ['SENTRAL_INVENTRY_DATABASE_URL', 'postgres://db.example/inventory'],
    ['SENTRAL_MIGRATOR_DATABASE_URL', 'postgres://migrator:secret@db.example/sentral'],
  ])('%s=%s is refused by name, and no secret is repeated', (name, value) => {
    let message = '';
    try {
      readConfig({ ...complete, [name]: value });
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain(name);
    expect(message).not.toContain('secret');
  });

  test('inventory alone needs the internal wire, its key and a bus that other processes reach', () => {
    const alone = { ...complete, SENTRAL_CONTEXTS: 'inventory' };
    expect(() => readConfig(alone)).toThrow('SENTRAL_INTERNAL_PORT');
    expect(() => readConfig({ ...alone, SENTRAL_INTERNAL_PORT: '9000' })).toThrow('SENTRAL_NATS_URL');
    expect(() =>
      readConfig({ ...alone, SENTRAL_INTERNAL_PORT: '9000', SENTRAL_NATS_URL: 'nats://127.0.0.1:4222' }),
    ).toThrow('SENTRAL_INTERNAL_KEY_FILE');
    const whole = {
      ...alone,
      SENTRAL_INTERNAL_PORT: '9000',
      SENTRAL_INTERNAL_KEY_FILE: key,
      SENTRAL_NATS_URL: 'nats://127.0.0.1:4222',
    };
    expect(readConfig(whole)).toMatchObject({ facade: false, contexts: ['inventory'] });
  });

  test('a facade whose inventory is elsewhere needs a broker and the key of the wire', () => {
    const facade = {
      ...complete,
      SENTRAL_CONTEXTS: 'tenancy,task,audit',
      SENTRAL_INVENTORY_URL: 'http://127.0.0.1:9000',
    };
    expect(() => readConfig(facade)).toThrow('SENTRAL_NATS_URL');
    expect(() => readConfig({ ...facade, SENTRAL_NATS_URL: 'nats://127.0.0.1:4222' })).toThrow(
      'SENTRAL_INTERNAL_KEY_FILE',
    );
    const whole = { ...facade, SENTRAL_NATS_URL: 'nats://127.0.0.1:4222', SENTRAL_INTERNAL_KEY_FILE: key };
    expect(readConfig(whole)).toMatchObject({
      facade: true,
      remotes: [{ name: 'inventory', url: 'http://127.0.0.1:9000' }],
    });
    expect(() => readConfig({ ...whole, SENTRAL_CONTEXTS: 'tenancy,inventory,task,audit' })).toThrow(
      'SENTRAL_INVENTORY_URL',
    );
  });
});

test('the page for operators has a row for every setting, and names none that there is not', () => {
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  const names = (text: string) => text.match(/SENTRAL_[A-Z_<>]*[A-Z>]/g) ?? [];
  const rows = page.split('\n').flatMap((line) => names(/^\| (SENTRAL_[^|]*)\|/.exec(line)?.[1] ?? ''));
  const migrator = 'SENTRAL_MIGRATOR_DATABASE_URL';
  expect(rows.toSorted((a, b) => a.localeCompare(b))).toEqual(
    [...settingNames, migrator].toSorted((a, b) => a.localeCompare(b)),
  );
  const ofOne = contextNames.flatMap((name) =>
    settingNames.map((each) => each.replace('<CONTEXT>', name.toUpperCase())),
  );
  // What begins with SENTRAL_TEST_ is the tests': no start reads it or minds it.
  const others = names(page).filter((name) => ![...ofOne, ...rows].includes(name));
  expect(others.filter((name) => !name.startsWith('SENTRAL_TEST_'))).toEqual([]);
});
