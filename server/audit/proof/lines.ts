import type { Leaf, RecordEntry } from '../../../proxy/record/leaf';
import { readBase64 } from '../../../proxy/tlog/base64';
import type { FrontierState } from '../../../proxy/tlog/frontier';
import { HASH_BYTES } from '../../../proxy/tlog/hash';

/** First line of a file. What is not signed is not in it: every field can be checked. */
export type Header =
  /** A run of entries without a gap. `prefix` is the right edge of the tree before the first of them. */
  | { type: 'gatehouse-export'; v: 1; origin: string; publicKey: string; prefix: FrontierState }
  /** The entries of one statement, each with its path to the root, and none of the others. */
  | { type: 'gatehouse-proof'; v: 1; origin: string; publicKey: string; statement: string };

/** Values that are shown: name → salt in base64 and the text that was committed to. */
export type Opened = Readonly<Record<string, readonly [salt: string, value: string]>>;

export interface EntryLine {
  type: 'entry';
  index: number;
  /** The bytes that are hashed, exactly as they stand in the file. */
  bytes: Buffer;
  leaf: Leaf;
  opened: Opened | null;
  /** Only in the proof of a statement: hashes up to the root. */
  path: readonly Buffer[] | null;
}

export type Line =
  | { type: 'header'; header: Header }
  | EntryLine
  /** Shows that the tree before an export's first entry, or a proof's checkpoint, begins with the tree of `from` entries. */
  | { type: 'consistency'; from: number; hashes: readonly Buffer[] }
  /** The last line: the signed checkpoint that all of it leads to. */
  | { type: 'end'; checkpoint: string };

/** A line of a file that no gateway wrote; the message says what is wrong. */
export class LineError extends Error {
  override readonly name = 'LineError';
}

const ENTRY_START = Buffer.from('{"index":');
const LEAF_KEY = Buffer.from(',"leaf":');
// In JSON a quote within a text has a backslash before it, so that these bytes are never part of a value.
const OPENED_KEY = Buffer.from(',"opened":{');
const PATH_KEY = Buffer.from(',"path":[');

export function writeHeader(header: Header): string {
  return `${JSON.stringify(header)}\n`;
}

/** @param leaf what is hashed: JSON in one line */
export function writeEntry(index: number, leaf: Buffer, opened: Opened | null, path: readonly Buffer[] | null = null): Buffer {
  const after = [
    opened === null ? '' : `,"opened":${JSON.stringify(opened)}`,
    path === null ? '' : `,"path":${JSON.stringify(path.map((hash) => hash.toString('base64')))}`,
  ];
  return Buffer.concat([Buffer.from(`{"index":${index},"leaf":`), leaf, Buffer.from(`${after.join('')}}\n`)]);
}

export function writeConsistency(from: number, hashes: readonly Buffer[]): string {
  return `${JSON.stringify({ type: 'consistency', from, hashes: hashes.map((hash) => hash.toString('base64')) })}\n`;
}

export const writeEnd = (checkpoint: string): string => `${JSON.stringify({ type: 'end', checkpoint })}\n`;

/**
 * Reads a line, without its end. One line has one reading: other spellings of it (white space, another order, a field twice) are refused.
 * @throws LineError
 */
export function readLine(line: Buffer): Line {
  if (line.subarray(0, ENTRY_START.length).equals(ENTRY_START)) return readEntry(line);
  const text = line.toString('utf8');
  const value = parseObject(text);
  if (JSON.stringify(value) !== text) throw new LineError('is not written as a gateway writes it');
  switch (value.type) {
    case 'gatehouse-export':
    case 'gatehouse-proof':
      return { type: 'header', header: readHeader(value) };
    case 'consistency':
      if (keysOf(value) !== 'type,from,hashes' || !isCount(value.from)) throw new LineError('is no consistency proof');
      return { type: 'consistency', from: value.from, hashes: readHashes(value.hashes) };
    case 'end':
      if (keysOf(value) !== 'type,checkpoint' || typeof value.checkpoint !== 'string') throw new LineError('is no last line');
      return { type: 'end', checkpoint: value.checkpoint };
    default:
      throw new LineError('is of a kind this version does not know');
  }
}

function readHeader(value: Record<string, unknown>): Header {
  const { type, v, origin, publicKey, prefix, statement } = value;
  if (v !== 1) throw new LineError('was written in another format than version 1; verify it with the version that wrote it');
  if (typeof origin !== 'string' || typeof publicKey !== 'string') throw new LineError('names no origin and public key');
  if (type === 'gatehouse-proof' && typeof statement === 'string' && keysOf(value) === 'type,v,origin,publicKey,statement')
    return { type, v, origin, publicKey, statement };
  if (type === 'gatehouse-export' && isObject(prefix) && keysOf(value) === 'type,v,origin,publicKey,prefix') {
    const { size, hashes } = prefix;
    if (keysOf(prefix) === 'size,hashes' && isCount(size) && isStrings(hashes))
      return { type, v, origin, publicKey, prefix: { size, hashes } };
  }
  throw new LineError('is no header');
}

function readEntry(line: Buffer): EntryLine {
  const leafAt = line.indexOf(LEAF_KEY);
  if (leafAt < 0 || leafAt > 40 || line.at(-1) !== 0x7d) throw new LineError('is no entry');
  const digits = line.toString('latin1', ENTRY_START.length, leafAt);
  const index = Number(digits);
  // White space alone is a number to JavaScript, too.
  if (!isCount(index) || String(index) !== digits) throw new LineError('is no entry');
  let end = line.length - 1;
  const path = readTail(line, PATH_KEY, end);
  if (path !== null) end = path.at;
  const opened = readTail(line, OPENED_KEY, end);
  if (opened !== null) end = opened.at;
  const bytes = line.subarray(leafAt + LEAF_KEY.length, end);
  return {
    type: 'entry',
    index,
    bytes,
    leaf: readLeaf(bytes.toString('utf8')),
    opened: opened === null ? null : readOpened(opened.value),
    path: path === null ? null : readHashes(path.value),
  };
}

/** A field behind the leaf, if the bytes before `end` are one: inside a leaf the same name may stand, but there more braces follow. */
function readTail(line: Buffer, key: Buffer, end: number): { at: number; value: unknown } | null {
  const at = line.lastIndexOf(key, end - 1);
  if (at < 0) return null;
  const text = line.toString('utf8', at + key.length - 1, end);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (JSON.stringify(value) !== text) throw new LineError('is not written as a gateway writes it');
  return { at, value };
}

function readLeaf(text: string): Leaf {
  const { v, node, journal, seq, entry, values } = parseObject(text);
  if (v !== 1) throw new LineError('holds an entry of another format than version 1; verify it with the version that wrote it');
  if (typeof node !== 'string') throw new LineError('holds an entry without a node');
  // What the recorder says of a journal has no number there.
  if (!(journal === null || typeof journal === 'string') || !(seq === null || (journal !== null && isCount(seq))))
    throw new LineError('holds an entry without a place in its journal');
  if (!isObject(entry) || typeof entry.type !== 'string') throw new LineError('holds an entry of no type');
  // Types are not checked against those this version knows: what a later version adds can be verified all the same.
  const read = { ...entry, type: entry.type as RecordEntry['type'] };
  const leaf: Leaf = { v, node, journal, seq, entry: read };
  if (values === undefined) return leaf;
  if (!isObject(values) || !isStrings(Object.values(values))) throw new LineError('holds commitments that are none');
  return { ...leaf, values: values as Record<string, string> };
}

function readOpened(value: unknown): Opened {
  if (!isObject(value)) throw new LineError('opens no values');
  const opened: Record<string, [string, string]> = {};
  for (const [name, pair] of Object.entries(value)) {
    if (!isStrings(pair) || pair.length !== 2) throw new LineError(`opens ${name} without salt and value`);
    const [salt = '', text = ''] = pair;
    opened[name] = [salt, text];
  }
  return opened;
}

function readHashes(value: unknown): Buffer[] {
  if (!isStrings(value)) throw new LineError('holds hashes that are none');
  return value.map((text) => {
    const hash = readBase64(text, HASH_BYTES);
    if (hash === null) throw new LineError('holds a hash that is no 32 bytes in base64');
    return hash;
  });
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new LineError('is no JSON');
  }
  if (!isObject(value)) throw new LineError('is no JSON object');
  return value;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isStrings = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string');
const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const keysOf = (value: object): string => Object.keys(value).join(',');
