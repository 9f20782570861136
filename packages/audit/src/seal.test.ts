import { personalDigest } from '@sentral/contracts/audit-seal';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createKeyring, createSeal, isKeyMissing, openSealed, readKeys } from './seal.js';

const [old, next] = [randomBytes(32), randomBytes(32)];
const ring = (...keys: Uint8Array[]) => createKeyring(keys, 'feed');
const fields = { source: { ip: '192.0.2.7', userAgent: 'curl' }, nested: { z: 1, a: [null, 'é', 1.5] } };

test('what was sealed opens under its key, whichever writes by then, and its digest is that of its fields and salt', async () => {
  const sealed = createSeal(ring(old))(fields);
  const opened = openSealed(ring(next, old), sealed);
  expect(opened.fields).toEqual(fields);
  expect(await personalDigest(new Uint8Array(Buffer.from(opened.salt, 'base64url')), fields)).toBe(sealed.digest);
  expect(JSON.stringify(sealed)).not.toContain('192.0.2.7');
  expect(createSeal(ring(old))(fields).digest).not.toBe(sealed.digest);
});

test('without its key it waits for it, and the error tells the key’s name and nothing of the key', () => {
  const sealed = createSeal(ring(old))(fields);
  const tried = (): unknown => {
    try {
      return openSealed(ring(next), sealed);
    } catch (error) {
      return error;
    }
  };
  expect(isKeyMissing(tried())).toBe(true);
  expect(String(tried())).toBe(`Error: there is no key ${ring(old).id} for feed`);
  expect(createKeyring([old], 'subject').id).not.toBe(ring(old).id);
});

test('what was changed on its way does not open', () => {
  const [sealed, other] = [createSeal(ring(old))(fields), createSeal(ring(old))(fields)];
  for (const part of ['digest', 'box'] as const)
    expect(() => openSealed(ring(old), { ...sealed, [part]: other[part] })).toThrow();
  for (const box of ['', 'AAAA', sealed.box.slice(0, 60)])
    expect(() => openSealed(ring(old), { ...sealed, box })).toThrow();
});

test('a key file holds a key a line, the first one writes; what is none is refused by its line and never shown', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sentral-keys-'));
  const file = path.join(folder, 'feed.key');
  const put = (text: string) => {
    writeFileSync(file, text);
    return file;
  };
  try {
    const keys = readKeys(put(`# since May\n${next.toString('base64')}\n\n${old.toString('hex')}\n`));
    expect(ring(...keys).ids).toEqual([ring(next).id, ring(old).id]);
    expect(() => readKeys(put(`${next.toString('base64')}\nc2hvcnQ=\n`))).toThrow(
      `${file}: line 2 does not hold 32 bytes in base64 or hex`,
    );
    expect(() => readKeys(put('\n'))).toThrow(`${file} holds no key`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
