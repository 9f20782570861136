import { problem } from './problem.js';

/** A token lives this long: it is minted for one call, and a stolen one is soon worthless. */
export const internalTokenSeconds = 60;
// How far the clocks of two processes may be apart.
const leewaySeconds = 5;
const keyBytesMin = 32;

const header = base64url(new TextEncoder().encode(JSON.stringify({ alg: 'HS256', typ: 'JWT' })));

/** Mints the bearer for one context on the internal wire (JWT, HS256, 60 s). */
export async function mintInternalToken(key: Uint8Array, audience: string, nowSeconds: number): Promise<string> {
  const now = Math.floor(nowSeconds);
  const claims = { aud: audience, iat: now, exp: now + internalTokenSeconds };
  const signed = `${header}.${base64url(new TextEncoder().encode(JSON.stringify(claims)))}`;
  const signature = await crypto.subtle.sign('HMAC', await hmacKey(key, 'sign'), new TextEncoder().encode(signed));
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}

/**
 * Lets a bearer pass or refuses it, and never says which part was wrong.
 * @throws Problem unauthenticated
 */
export async function verifyInternalToken(
  key: Uint8Array,
  token: string,
  { audience, nowSeconds }: { audience: string; nowSeconds: number },
): Promise<void> {
  const [head, body, signature, ...rest] = token.split('.');
  // Comparing the header as text leaves no algorithm to choose.
  if (head !== header || body === undefined || signature === undefined || rest.length > 0) throw refused('invalid');
  const given = fromBase64url(signature);
  const signed = new TextEncoder().encode(`${head}.${body}`);
  if (given === undefined || !(await crypto.subtle.verify('HMAC', await hmacKey(key, 'verify'), given, signed))) {
    throw refused('invalid');
  }
  const claims = claimsOf(body);
  if (claims?.aud !== audience || typeof claims.exp !== 'number' || typeof claims.iat !== 'number') {
    throw refused('invalid');
  }
  // A holder of the key could mint for longer; what verifies takes no longer life than what mints.
  if (claims.exp - claims.iat > internalTokenSeconds || claims.iat > nowSeconds + leewaySeconds)
    throw refused('invalid');
  if (claims.exp + leewaySeconds <= nowSeconds) throw refused('expired');
}

function refused(reason: 'invalid' | 'expired'): Error {
  return problem('unauthenticated', { reason });
}

function hmacKey(key: Uint8Array, usage: 'sign' | 'verify') {
  if (key.byteLength < keyBytesMin) throw new TypeError(`the internal key needs at least ${keyBytesMin} bytes`);
  return crypto.subtle.importKey('raw', new Uint8Array(key), { name: 'HMAC', hash: 'SHA-256' }, false, [usage]);
}

function claimsOf(body: string): { aud?: unknown; iat?: unknown; exp?: unknown } | undefined {
  const bytes = fromBase64url(body);
  if (bytes === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === 'object' && claims !== null ? claims : undefined;
  } catch {
    return undefined;
  }
}

function base64url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}
