import { describe, expect, test } from 'vitest';
import { formatCheckpoint, parseCheckpoint, parseCheckpointText, signCheckpoint } from './checkpoint';
import { commitmentOf, newSalt, opensCommitment } from './commitment';
import { EMPTY_ROOT, leafHash } from './hash';
import { parseNote, signatureLine, signatureOf, signNote, splitNotes, withSignatures } from './note';
import { newSeed, noteSigner, parseNoteKey } from './noteKey';

/** The published example of golang.org/x/mod/sumdb/note. Its private key is public: PRIVATE+KEY+PeterNeumann+c74f20a3+AYEK… */
const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const PETER_SEED = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1);
const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const SIGNED = `${TEXT}\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

/** A tree head as Go's checksum database published it, and the key built into Go. */
const SUMDB = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8';
const SUMDB_NOTE = `go.sum database tree
63096908
8lHrQPRYe4KT4WQ9/Qk8/taKnD6IRHbFgfN7vQE2Y54=

\u2014 sum.golang.org Az3gri/oVBN1jAhNZ/iS+W31psFAWRT20/GyrhpU6taFwulQGetBkH5S7wpGXdS935jiIGiUUAXBVHzT/P6fYhqAmAk=
`;

const seedOf = (byte: number) => Buffer.alloc(32, byte);

describe('signed notes', () => {
  test("Go's example: key, signature, text", () => {
    const signer = noteSigner('PeterNeumann', PETER_SEED);
    expect(signer.text).toBe(PETER);
    expect(signNote(TEXT, signer)).toBe(SIGNED);
    const note = parseNote(SIGNED);
    expect(note.text).toBe(TEXT);
    expect(signatureOf(note, parseNoteKey(PETER))).toBe('valid');
    expect(signatureOf(parseNote(SIGNED.replace('cryptography', 'cryptographY')), signer)).toBe('wrong');
  });

  test("a tree head of Go's checksum database", () => {
    const checkpoint = parseCheckpoint(SUMDB_NOTE);
    expect(checkpoint).toMatchObject({ origin: 'go.sum database tree', size: 63_096_908, extensions: [] });
    expect(signatureOf(checkpoint.note, parseNoteKey(SUMDB))).toBe('valid');
    expect(signatureOf(parseCheckpoint(SUMDB_NOTE.replace('63096908', '63096909')).note, parseNoteKey(SUMDB))).toBe('wrong');
    expect(signatureOf(checkpoint.note, parseNoteKey(PETER))).toBe('absent');
  });

  test('a second signature of the same key that is wrong makes the note wrong', () => {
    const signer = noteSigner('log', seedOf(1));
    const other = signatureLine('other\n', signer);
    expect(signatureOf(parseNote(withSignatures(signNote('text\n', signer), [other])), signer)).toBe('wrong');
  });

  test.each([
    ['', 'empty line'],
    ['text\n', 'empty line'],
    ['text\n\n', 'signature line'],
    ['text\n\n\u2014 name AAAA', 'empty line'],
    ['text\n\n- name AAAAAAAA\n', 'signature line'],
    ['text\n\n\u2014 name AAAA\n', 'signature line'],
    ['text\n\n\u2014 name AAAAAAAA AAAA\n', 'signature line'],
    ['text\n\n\u2014 na+me AAAAAAAA\n', 'signature line'],
    ['text\n\n\u2014 name AAAAAAA\n', 'signature line'],
    ['text\n\n\u2014 name AAAAAAAA\n\n', 'signature line'],
    ['te\u0007xt\n\n\u2014 name AAAAAAAA\n', 'characters'],
    ['te\uFFFDxt\n\n\u2014 name AAAAAAAA\n', 'characters'],
  ])('%j is no note', (source, message) => {
    expect(() => parseNote(source)).toThrow(message);
  });

  test.each([
    ['name', 'name+hash+base64'],
    ['name+00000000+AAAA', 'name+hash+base64'],
    [PETER.replace('c74f20a3', 'c74f20a4'), 'hash in the public key'],
    [PETER.replace('PeterNeumann', 'PeterNeuman'), 'hash in the public key'],
    [PETER.replace('+ARpc', '+Axpc'), 'signature type 3'],
  ])('%s is no key', (text, message) => {
    expect(() => parseNoteKey(text)).toThrow(message);
  });

  test('keys whose base64 has plus signs are read', () => {
    for (let byte = 0; byte < 64; byte++) {
      const signer = noteSigner(`log${byte}`, seedOf(byte));
      expect(parseNoteKey(signer.text).id).toEqual(signer.id);
    }
    expect(newSeed()).toHaveLength(32);
    expect(newSeed()).not.toEqual(newSeed());
  });

  test('several notes in one file, with and without empty lines between them, and one that was cut short', () => {
    const signer = noteSigner('log', seedOf(1));
    const witness = noteSigner('witness', seedOf(2), 'witness');
    const first = withSignatures(signNote('a\n1\n', signer), [signatureLine('a\n1\n', witness, 5)]);
    const second = signNote('b\n2\n', signer);
    expect(splitNotes(`${first}${second}\n\n${first}`)).toEqual([first, second, first]);
    expect(splitNotes(`\n${second}\nb\n3\nhal\n\n${first}b\n`)).toEqual([second, 'b\n3\nhal\n', first, 'b\n']);
    expect(splitNotes(first.trimEnd())).toEqual([first]);
    expect(splitNotes('\n')).toEqual([]);
    expect(splitNotes('')).toEqual([]);
  });
});

describe('cosignatures', () => {
  const text = formatCheckpoint({ origin: 'log', size: 7, root: EMPTY_ROOT, extensions: [] });
  const witness = noteSigner('witness.example/1', seedOf(9), 'witness');
  const note = withSignatures(signNote(text, noteSigner('log', seedOf(1))), [signatureLine(text, witness, 1_790_000_000)]);

  test('bind the text and the time, under a key id of their own', () => {
    expect(witness.id).not.toEqual(noteSigner('witness.example/1', seedOf(9)).id);
    expect(parseNoteKey(witness.text).type).toBe('witness');
    expect(signatureOf(parseNote(note), witness)).toBe('valid');
    expect(signatureOf(parseNote(note.replace('\n7\n', '\n8\n')), witness)).toBe('wrong');
    const { signatures } = parseNote(note);
    const later = Buffer.from(signatures[1]?.signature ?? []);
    later.writeBigUInt64BE(1_790_000_001n);
    const moved = `${note.split('\u2014 witness')[0]}\u2014 ${witness.name} ${Buffer.concat([witness.id, later]).toString('base64')}\n`;
    expect(signatureOf(parseNote(moved), witness)).toBe('wrong');
  });

  test('are added once', () => {
    const line = signatureLine(text, witness, 1_790_000_000);
    expect(withSignatures(note, [line])).toBe(note);
    expect(() => withSignatures(note, ['\u2014 broken'])).toThrow('signature line');
  });
});

describe('checkpoints', () => {
  const root = leafHash(Buffer.from('x'));
  const base64 = root.toString('base64');

  test('are written and read', () => {
    const signer = noteSigner('gatehouse.example/node-1', seedOf(3));
    const source = signCheckpoint({ size: 42, root }, signer, ['2026-11-26T03:00:00Z']);
    expect(source.startsWith(`gatehouse.example/node-1\n42\n${base64}\n2026-11-26T03:00:00Z\n\n\u2014 gatehouse.example/node-1 `)).toBe(
      true,
    );
    const read = parseCheckpoint(source);
    expect(read).toMatchObject({ origin: signer.name, size: 42, root, extensions: ['2026-11-26T03:00:00Z'], source });
    expect(signatureOf(read.note, signer)).toBe('valid');
  });

  test.each([
    ['', 'origin'],
    [`\n1\n${base64}\n`, 'origin'],
    [`log\n01\n${base64}\n`, 'number of entries'],
    [`log\n-1\n${base64}\n`, 'number of entries'],
    [`log\n1e3\n${base64}\n`, 'number of entries'],
    [`log\n99999999999999999999\n${base64}\n`, 'number of entries'],
    ['log\n1\nAAAA\n', 'root hash'],
    [`log\n1\n${base64.replace('=', '')}\n`, 'root hash'],
    [`log\n1\n${base64}\n\nmore\n`, 'is empty'],
  ])('%j is none', (text, message) => {
    expect(() => parseCheckpointText(text)).toThrow(message);
  });

  test('a line that is empty or two is not written', () => {
    expect(() => formatCheckpoint({ origin: 'log\n5', size: 1, root, extensions: [] })).toThrow('line of a checkpoint');
    expect(() => formatCheckpoint({ origin: 'log', size: 1, root, extensions: [''] })).toThrow('line of a checkpoint');
  });
});

describe('commitments', () => {
  test('are SHA-256 of salt, name, NUL and value', () => {
    // printf '0123456789abcdefsql\0SELECT 1' | sha256sum
    const commitment = commitmentOf(Buffer.from('0123456789abcdef'), 'sql', 'SELECT 1');
    expect(Buffer.from(commitment, 'base64').toString('hex')).toBe('9a85192c9503693c98bc161d9a8005121c7994f52d43a7878abe5cec556f1981');
  });

  test('open with their own salt, name and value alone', () => {
    const salt = newSalt();
    const text = salt.toString('base64');
    const commitment = commitmentOf(salt, 'sql', 'SELECT 1');
    expect(opensCommitment(commitment, text, 'sql', 'SELECT 1')).toBe(true);
    expect(opensCommitment(commitment, text, 'sql', 'SELECT 2')).toBe(false);
    expect(opensCommitment(commitment, text, 'why', 'SELECT 1')).toBe(false);
    expect(opensCommitment(commitment, newSalt().toString('base64'), 'sql', 'SELECT 1')).toBe(false);
    expect(opensCommitment(commitment, `${text} `, 'sql', 'SELECT 1')).toBe(false);
    expect(opensCommitment(commitmentOf(salt, 'sql', '\uFFFD'), text, 'sql', '\uD800')).toBe(false);
    expect(() => commitmentOf(Buffer.alloc(15), 'sql', '')).toThrow('16 bytes');
    expect(() => commitmentOf(salt, 'sq\0l', '')).toThrow('NUL');
  });
});
