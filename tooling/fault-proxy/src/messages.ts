/** A message of the PostgreSQL protocol; `text` is the SQL of a Query or Parse. */
export interface Message {
  readonly type: string;
  readonly text: string;
  readonly bytes: Buffer;
}

const SSL_REQUEST = 80877103;
const CANCEL_REQUEST = 80877102;

/** Protocol 3, or one of the requests that come instead of a version: what begins otherwise is not PostgreSQL. */
const isPostgres = (code: number): boolean => [3, 1234].includes(code >>> 16);

/**
 * Cuts a stream from the client into messages. The first ones have no type: they come out as `startup`, `ssl` or `cancel`,
 * and the beginning of another protocol as `other`.
 */
export function clientMessages(): (chunk: Buffer) => Message[] {
  let started = false;
  return cutter((rest) => {
    if (started) return typed(rest);
    if (rest.length < 8) return undefined;
    const code = rest.readUInt32BE(4);
    if (!isPostgres(code)) return { type: 'other', text: '', bytes: rest };
    const bytes = rest.subarray(0, rest.readUInt32BE(0));
    if (bytes.length < rest.readUInt32BE(0)) return undefined;
    if (code === SSL_REQUEST) return { type: 'ssl', text: '', bytes };
    started = true;
    return { type: code === CANCEL_REQUEST ? 'cancel' : 'startup', text: '', bytes };
  });
}

/** Cuts a stream from the server into messages. */
export function serverMessages(): (chunk: Buffer) => Message[] {
  return cutter(typed);
}

function cutter(next: (rest: Buffer) => Message | undefined): (chunk: Buffer) => Message[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const out: Message[] = [];
    for (let message = next(rest); message; message = next(rest)) {
      out.push(message);
      rest = rest.subarray(message.bytes.length);
    }
    return out;
  };
}

function typed(rest: Buffer): Message | undefined {
  if (rest.length < 5) return undefined;
  const length = 1 + rest.readUInt32BE(1);
  if (rest.length < length) return undefined;
  const bytes = rest.subarray(0, length);
  const type = String.fromCharCode(bytes[0] ?? 0);
  return { type, text: textOf(type, bytes), bytes };
}

function textOf(type: string, bytes: Buffer): string {
  if (type === 'Q') return bytes.toString('utf8', 5, bytes.length - 1);
  if (type !== 'P') return '';
  const from = bytes.indexOf(0, 5) + 1;
  return bytes.toString('utf8', from, bytes.indexOf(0, from));
}
