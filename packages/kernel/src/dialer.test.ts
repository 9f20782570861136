import { expect, test } from 'vitest';
import { readTarget } from './dialer.js';

const tlsOf = (query: string) => readTarget({ url: `postgres://app@db.example/sentral${query}` }).tls;

test('a connection is encrypted as its URL says, and a word that it does not know is refused instead of read as none', () => {
  expect(tlsOf('')).toBeUndefined();
  expect(tlsOf('?sslmode=disable')).toBeUndefined();
  expect(tlsOf('?sslmode=require')).toEqual({ rejectUnauthorized: false });
  expect(tlsOf('?sslmode=verify-full')).toEqual({});
  for (const query of ['?sslmode=verify-ca', '?sslmode=prefer', '?sslmode=verifyfull', '?ssl=true', '?sslrootcert=x'])
    expect(() => tlsOf(query), query).toThrow('sslmode=disable|require|verify-full');
});
