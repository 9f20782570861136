import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  formatCheckpoint,
  formatNoteKey,
  fromBase64,
  openNote,
  parseCheckpoint,
  parseNoteKey,
  signNote,
  textOfNote,
  toBase64,
} from '../src/audit-note.js';
import { leafHash } from '../src/audit-proof.js';

const root = await leafHash(new Uint8Array());
const pair = generateKeyPairSync('ed25519');
const raw = new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
const key = { name: 'sentral.example/audit', publicKey: raw };
const signed = (text: string) =>
  signNote(text, key, (bytes) =>
    sign(null, bytes, createPrivateKey(pair.privateKey.export({ format: 'pem', type: 'pkcs8' }))),
  );

// A note and its key as implementations of c2sp.org/signed-note share them.
const knownKey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const knownNote = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;

describe('checkpoints', () => {
  test('are read as they were written, with the lines that follow the root', () => {
    const head = { origin: 'example.com/behind-the-sofa', size: 20_852_163, root };
    expect(parseCheckpoint(formatCheckpoint(head))).toEqual(head);
    const more = { ...head, extensions: ['time 2026-11-26T00:00:00.000Z'] };
    expect(parseCheckpoint(formatCheckpoint(more))).toEqual(more);
  });

  test('the example of the format is read', () => {
    const text = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
    const head = parseCheckpoint(text);
    expect(head?.size).toBe(20_852_163);
    expect(head && formatCheckpoint(head)).toBe(text);
  });

  test.each([
    ['without an end', `a\n1\n${toBase64(root)}`],
    ['without an origin', `\n1\n${toBase64(root)}\n`],
    ['with a size in another spelling', `a\n01\n${toBase64(root)}\n`],
    ['with a size below zero', `a\n-1\n${toBase64(root)}\n`],
    ['with a size that no number holds', `a\n9007199254740993\n${toBase64(root)}\n`],
    ['with a short root', `a\n1\n${toBase64(root.slice(1))}\n`],
    ['with an empty line', `a\n1\n${toBase64(root)}\n\n`],
    ['without a root', 'a\n1\n'],
  ])('%s are none', (_title, text) => {
    expect(parseCheckpoint(text)).toBeUndefined();
  });

  test('an origin that would write further lines is not written', () => {
    expect(() => formatCheckpoint({ origin: 'evil\n999', size: 1, root })).toThrow(TypeError);
    expect(() => formatCheckpoint({ origin: 'a', size: 1, root, extensions: [''] })).toThrow(TypeError);
  });
});

describe('signed notes', () => {
  test('a note that others signed is opened by their key', async () => {
    const known = await parseNoteKey(knownKey);
    expect(known && (await openNote(knownNote, known))).toBe('This is an example message.\n');
    expect(known && (await openNote(knownNote.replace('example message', 'exemple message'), known))).toBeUndefined();
  });

  test('a note of ours is opened by our key and no other, also beside the signature of a witness', async () => {
    const text = formatCheckpoint({ origin: key.name, size: 1, root });
    const note = await signed(text);
    expect(await openNote(note, key)).toBe(text);
    expect(textOfNote(note)).toBe(text);
    const witnessed = `${note}— witness.example ${toBase64(new Uint8Array(68))}\n`;
    expect(await openNote(witnessed, key)).toBe(text);
    expect(await openNote(note, { ...key, name: 'other' })).toBeUndefined();
    expect(await openNote(note, { ...key, publicKey: new Uint8Array(root) })).toBeUndefined();
    expect(await openNote(note.replace('\n1\n', '\n2\n'), key)).toBeUndefined();
    expect(await openNote(text, key)).toBeUndefined();
    expect(await openNote(note.slice(0, -1), key)).toBeUndefined();
  });

  test('a key is read as it was written, and not with another id', async () => {
    const text = await formatNoteKey(key);
    expect(await parseNoteKey(text)).toEqual(key);
    expect(await parseNoteKey(text.replace(/\+[0-9a-f]{8}\+/, '+00000000+'))).toBeUndefined();
    expect(await parseNoteKey('x+00000000+AA==')).toBeUndefined();
  });

  test('a name with a space, and a text without an end, are not signed', async () => {
    await expect(signNote('a\n', { ...key, name: 'a b' }, () => new Uint8Array(64))).rejects.toThrow(TypeError);
    await expect(signNote('a', key, () => new Uint8Array(64))).rejects.toThrow(TypeError);
  });
});

test('base64 has one spelling', () => {
  expect(fromBase64('AA==')).toEqual(Uint8Array.of(0));
  for (const text of ['AB==', 'AA', 'AA=', 'A-==', 'AA==\n']) expect(fromBase64(text)).toBeUndefined();
});
