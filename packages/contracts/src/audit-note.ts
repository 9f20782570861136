import { sha256, type Hash } from './audit-proof.js';

// Signed notes and checkpoints in the format of C2SP (c2sp.org/signed-note, c2sp.org/tlog-checkpoint), which witnesses read.

/** The head of a log: how many leaves it has, and the root over them. */
export interface Checkpoint {
  /** Names the log for ever; no line break. */
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
  /** Further lines, none of them empty. */
  readonly extensions?: readonly string[];
}

/** Writes a checkpoint as the text that is signed, or hashed as a leaf. */
export function formatCheckpoint({ origin, size, root, extensions = [] }: Checkpoint): string {
  const lines = [origin, String(size), toBase64(root), ...extensions];
  if (lines.some((line) => line === '' || /[^ -~\u00a0-\uffff]/.test(line)))
    throw new TypeError('a line of a checkpoint is neither empty nor broken');
  return `${lines.join('\n')}\n`;
}

/** Reads a checkpoint; undefined when the text is none. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  const [origin = '', size = '', root = '', ...extensions] = text.split('\n');
  if (extensions.pop() !== '' || origin === '' || extensions.includes('')) return undefined;
  const hash = fromBase64(root);
  if (!/^(0|[1-9][0-9]{0,15})$/.test(size) || !Number.isSafeInteger(Number(size)) || hash?.length !== 32)
    return undefined;
  return { origin, size: Number(size), root: hash, ...(extensions.length === 0 ? {} : { extensions }) };
}

/** Who signs notes: a name, and the public half of an Ed25519 key (32 bytes). */
export interface NoteKey {
  /** No space and no plus. */
  readonly name: string;
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

const ed25519 = 1;
const utf8 = new TextEncoder();

async function keyId({ name, publicKey }: NoteKey): Promise<Uint8Array<ArrayBuffer>> {
  const hash = await sha256(joined(utf8.encode(`${name}\n`), Uint8Array.of(ed25519), publicKey));
  return hash.slice(0, 4);
}

/** The key as an operator keeps it outside: `<name>+<key id>+<base64>`. */
export async function formatNoteKey(key: NoteKey): Promise<string> {
  const id = [...(await keyId(key))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${key.name}+${id}+${toBase64(joined(Uint8Array.of(ed25519), key.publicKey))}`;
}

/** Reads such a key; undefined when the text is none, or its id is not that of the key. */
export async function parseNoteKey(text: string): Promise<NoteKey | undefined> {
  const [, name, base64] = /^([^\s+]+)\+[0-9a-f]{8}\+([A-Za-z0-9+/]+=*)$/.exec(text) ?? [];
  const bytes = base64 === undefined ? undefined : fromBase64(base64);
  if (name === undefined || bytes?.length !== 33 || bytes[0] !== ed25519) return undefined;
  const key = { name, publicKey: bytes.slice(1) };
  return (await formatNoteKey(key)) === text ? key : undefined;
}

/** The text with a signature under it; `sign` makes the Ed25519 signature of the bytes. */
export async function signNote(
  text: string,
  key: NoteKey,
  sign: (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array> | Uint8Array,
): Promise<string> {
  if (!/^[^\s+]+$/.test(key.name)) throw new TypeError('the name of a key has no space and no plus');
  if (!text.endsWith('\n')) throw new TypeError('the text of a note ends with a line break');
  return `${text}\n— ${key.name} ${toBase64(joined(await keyId(key), await sign(utf8.encode(text))))}\n`;
}

/** The text of the note when this key has signed it; undefined otherwise, whatever is wrong. */
export async function openNote(note: string, key: NoteKey): Promise<string | undefined> {
  const end = note.lastIndexOf('\n\n');
  if (end < 0 || !note.endsWith('\n')) return undefined;
  const text = note.slice(0, end + 1);
  const id = await keyId(key);
  for (const line of note.slice(end + 2, -1).split('\n')) {
    const [, name, base64] = /^— (\S+) ([A-Za-z0-9+/]+=*)$/.exec(line) ?? [];
    const bytes = base64 === undefined ? undefined : fromBase64(base64);
    if (bytes === undefined || bytes.length < 5) return undefined;
    // A signature of somebody else, a witness, says nothing about ours.
    if (name !== key.name || !id.every((byte, at) => byte === bytes[at])) continue;
    const verifier = await crypto.subtle.importKey('raw', key.publicKey, 'Ed25519', false, ['verify']);
    return (await crypto.subtle.verify('Ed25519', verifier, bytes.slice(4), utf8.encode(text))) ? text : undefined;
  }
  return undefined;
}

/** Text of a note without a look at who signed it: for what is only compared. */
export function textOfNote(note: string): string {
  const end = note.lastIndexOf('\n\n');
  return end < 0 ? note : note.slice(0, end + 1);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Standard base64, padded. */
export const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/** Reads standard base64; undefined for any other spelling of the same bytes. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9+/]*=*$/.test(text)) return undefined;
  try {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    return toBase64(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}
