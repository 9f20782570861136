import { isStorableText } from '@sentral/contracts/api/common';
import { problem } from '@sentral/contracts/problem';

/** Bounds of a JSON body (api.md A.14). */
export const bodyLimitBytes = 1_048_576;
const depthLimit = 32;

/**
 * Reads a JSON body whole, bounded in bytes and depth, also when it comes in chunks without a length.
 * @throws Problem content-too-large | unsupported-media-type | malformed-request | validation-failed for text that no database can keep
 */
export async function readJson(request: Request, mediaTypes: readonly string[]): Promise<unknown> {
  requireMediaType(request, mediaTypes);
  const bytes = await readBytes(request, bodyLimitBytes);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw problem('malformed-request', {}, 'The body is not UTF-8.');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const position = /position (\d+)/.exec((error as Error).message)?.[1];
    throw problem(
      'malformed-request',
      position === undefined ? {} : { position: Number(position) },
      'The body is not JSON.',
    );
  }
  if (deeper(value, depthLimit))
    throw problem('malformed-request', {}, `The body is nested deeper than ${depthLimit} levels.`);
  const pointer = unstorable(value);
  if (pointer !== undefined) {
    throw problem('validation-failed', {
      errors: [{ pointer, code: 'invalid_text', message: 'must be text without NUL and lone surrogates' }],
    });
  }
  return value;
}

/** Whether content comes with a request, by its headers: asking for the body itself would build all of a `Request` for it. */
export const hasContent = ({ headers }: Request): boolean =>
  headers.has('transfer-encoding') || (headers.get('content-length') ?? '0') !== '0';

/** @throws Problem unsupported-media-type */
export function requireMediaType(request: Request, mediaTypes: readonly string[]): void {
  const [type = ''] = (request.headers.get('content-type') ?? '').split(';');
  if (mediaTypes.includes(type.trim().toLowerCase())) return;
  const patch = request.method === 'PATCH' ? { acceptPatch: mediaTypes.join(', ') } : {};
  throw problem('unsupported-media-type', { supported: mediaTypes, ...patch });
}

async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > limit)
    throw problem('content-too-large', { limitBytes: limit });
  // HTTP itself holds a body to the length that it names.
  if (request.headers.has('content-length')) return new Uint8Array(await request.arrayBuffer());
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += (chunk as Uint8Array).length;
    if (size > limit) throw problem('content-too-large', { limitBytes: limit });
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks);
}

function deeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((x) => deeper(x, levels - 1));
}

/** Where (RFC 6901) a text or a key lies that PostgreSQL refuses or UTF-8 does not have; attributes are free, so the schemas do not see it. */
function unstorable(value: unknown): string | undefined {
  if (typeof value === 'string') return isStorableText(value) ? undefined : '';
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    // A pointer that held the key itself could not be sent either.
    if (!isStorableText(key)) return '';
    const below = unstorable(inner);
    if (below !== undefined) return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}${below}`;
  }
  return undefined;
}
