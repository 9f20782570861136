import { createHmac, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { openPersonal, sealPersonal } from '../src/audit-seal.js';
import { canonicalJson } from '../src/canonical-json.js';

const key = new Uint8Array(randomBytes(32));
const personal = { ip: '192.0.2.7', userAgent: 'curl', nested: { z: 1, a: [null, 'é', 1.5] } };

test('personal fields open under the feed key and under no other', async () => {
  const sealed = await sealPersonal(key, personal);
  expect((await openPersonal(key, sealed)).personal).toEqual(personal);
  await expect(openPersonal(new Uint8Array(randomBytes(32)), sealed)).rejects.toThrow();
  expect(JSON.stringify(sealed)).not.toContain('192.0.2.7');
});

test('the digest is the salted HMAC of the canonical fields, and another one each time', async () => {
  const sealed = await sealPersonal(key, { b: 2, a: 1 });
  const { salt } = await openPersonal(key, sealed);
  const mine = createHmac('sha256', salt)
    .update(canonicalJson({ a: 1, b: 2 }))
    .digest('base64url');
  expect(sealed.digest).toBe(mine);
  expect((await sealPersonal(key, { b: 2, a: 1 })).digest).not.toBe(sealed.digest);
});

test('what was changed on its way does not open', async () => {
  const [sealed, other] = [await sealPersonal(key, personal), await sealPersonal(key, personal)];
  for (const part of ['digest', 'iv', 'sealed'] as const)
    await expect(openPersonal(key, { ...sealed, [part]: other[part] })).rejects.toThrow();
});
