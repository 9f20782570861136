import { createHmac, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { openPersonal, sealPersonal } from './feed.js';

const key = randomBytes(32);
const personal = { ip: '192.0.2.7', userAgent: 'curl', nested: { z: 1, a: [null, 'é', 1.5] } };

test('personal fields open under the feed key and under no other', () => {
  const sealed = sealPersonal(key, personal);
  expect(openPersonal(key, sealed).personal).toEqual(personal);
  expect(() => openPersonal(randomBytes(32), sealed)).toThrow();
  expect(JSON.stringify(sealed)).not.toContain('192.0.2.7');
});

test('the digest commits to the fields whatever the order of their members, and to nothing without the salt', () => {
  const sealed = sealPersonal(key, { b: 2, a: 1 });
  const { salt } = openPersonal(key, sealed);
  expect(createHmac('sha256', salt).update('{"a":1,"b":2}').digest('base64url')).toBe(sealed.digest);
  expect(sealPersonal(key, { b: 2, a: 1 }).digest).not.toBe(sealed.digest);
});

test('a changed digest, vector or text is refused', () => {
  const sealed = sealPersonal(key, personal);
  const other = sealPersonal(key, personal);
  expect(() => openPersonal(key, { ...sealed, digest: other.digest })).toThrow();
  expect(() => openPersonal(key, { ...sealed, iv: other.iv })).toThrow();
  expect(() => openPersonal(key, { ...sealed, sealed: other.sealed })).toThrow();
});
