import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { personalDigest } from '../src/audit-seal.js';
import { canonicalJson } from '../src/canonical-json.js';
import { partPersonal } from '../src/personal.js';
import { userSchema } from '../src/tenancy/principal.js';

test('the digest is the salted HMAC of the canonical fields, whatever their order', async () => {
  const salt = new Uint8Array(16).fill(7);
  const mine = createHmac('sha256', salt)
    .update(canonicalJson({ a: { z: 1, y: [null, 'é'] }, b: 2 }))
    .digest('base64url');
  expect(await personalDigest(salt, { b: 2, a: { y: [null, 'é'], z: 1 } })).toBe(mine);
});

test('a user is parted into what anyone may read who may read it, and who it is', () => {
  const user = { id: 'usr', state: 'active', issuer: 'https://id', subject: 'ada', displayName: 'Ada', unknown: 1 };
  expect(partPersonal(userSchema, user)).toEqual({
    open: { id: 'usr', state: 'active', unknown: 1 },
    personal: { issuer: 'https://id', subject: 'ada', displayName: 'Ada' },
  });
});
