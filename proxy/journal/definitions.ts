import type { Action, Mode, RelationUse, RuleTrial } from '../../db/schema/shapes';
import { ByteReader, type ByteWriter, oneOf } from './bytes';
import type { StatementEntry } from './entries';

/**
 * What is the same for every statement of a session, for every run of a text, or for every text that is judged alike: it stands once in a
 * `define` frame, and what needs it names it by its place in the segment.
 */

export type SessionPart = Pick<
  StatementEntry,
  'sessionId' | 'principalName' | 'ownerName' | 'connectionName' | 'clientAddress' | 'applicationName'
>;
type TextPart = Pick<StatementEntry, 'kind' | 'sql' | 'rewritten' | 'executes'>;
/** What is said of a text, and of all that are judged alike. */
export type JudgedPart = Pick<
  StatementEntry,
  'fingerprint' | 'shape' | 'touchedColumns' | 'relations' | 'effects' | 'unbounded' | 'verdict' | 'rule' | 'why' | 'tried'
>;
export type StatementPart = TextPart & JudgedPart;

/** Where the journal has written the part; its own notes, made empty and kept as long as the part is used. */
export interface SharedPart {
  block: object | null;
  place: number;
}

export const newPart = (): SharedPart => ({ block: null, place: 0 });

/** What the record says of every run of one judged statement, and whose it is: a copy of that statement may say something else. */
export type RecordedStatement = Required<StatementPart> & SharedPart & { of: object };

// Written by number: the order of these lists is the format.
const MODES: readonly Mode[] = ['off', 'observe', 'enforce'];
const ACTIONS: readonly Action[] = ['allow', 'hold', 'deny'];
const ACCESSES: readonly RelationUse['access'][] = ['read', 'write'];

const OF_A_SESSION = 1;
/** A text with what is said of it: journals before version 2. */
const OF_A_STATEMENT = 2;
const OF_JUDGED = 3;
/** A text, and the place of what is said of it. */
const OF_A_TEXT = 4;

/** What a `define` frame holds, or leads to. */
export type Definition = { session: SessionPart } | { judged: JudgedPart } | { text: TextPart; judged: JudgedPart };

export function writeSession(out: ByteWriter, part: SessionPart): void {
  out.u8(OF_A_SESSION);
  out.text(part.sessionId);
  out.text(part.principalName);
  out.optionalText(part.ownerName);
  out.text(part.connectionName);
  out.text(part.clientAddress);
  out.text(part.applicationName);
}

/** @param judged place of what is said of it */
export function writeText(out: ByteWriter, part: TextPart, judged: number): void {
  out.u8(OF_A_TEXT);
  out.u32(judged);
  out.text(part.kind);
  out.text(part.sql);
  out.optionalText(part.rewritten);
  out.optionalText(part.executes);
}

export function writeJudged(out: ByteWriter, part: JudgedPart): void {
  out.u8(OF_JUDGED);
  out.text(part.fingerprint);
  out.optionalText(part.shape);
  texts(out, part.touchedColumns ?? []);
  out.u16(part.relations.length);
  for (const { name, access } of part.relations) {
    out.text(name);
    out.u8(ACCESSES.indexOf(access));
  }
  texts(out, part.effects);
  out.u8(part.unbounded === true ? 1 : 0);
  out.u8(ACTIONS.indexOf(part.verdict));
  out.optionalText(part.rule);
  out.text(part.why);
  out.u16(part.tried.length);
  for (const { rule, mode, action, matched, why } of part.tried) {
    out.text(rule);
    out.u8(MODES.indexOf(mode));
    out.u8(ACTIONS.indexOf(action));
    out.u8(matched ? 1 : 0);
    out.text(why);
  }
}

/** Whether two texts are judged alike. To see that costs less than to write it out again. */
export function judgedAlike(one: JudgedPart, other: JudgedPart): boolean {
  return (
    one.fingerprint === other.fingerprint &&
    one.shape === other.shape &&
    (one.unbounded === true) === (other.unbounded === true) &&
    one.verdict === other.verdict &&
    one.rule === other.rule &&
    one.why === other.why &&
    areAlike(one.touchedColumns ?? [], other.touchedColumns ?? [], (a, b) => a === b) &&
    areAlike(one.relations, other.relations, (a, b) => a.name === b.name && a.access === b.access) &&
    areAlike(one.effects, other.effects, (a, b) => a === b) &&
    areAlike(one.tried, other.tried, sameTrial)
  );
}

function areAlike<T>(one: readonly T[], other: readonly T[], alike: (one: T, other: T) => boolean): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) {
    const [a, b] = [one[i], other[i]];
    if (a === undefined || b === undefined || !alike(a, b)) return false;
  }
  return true;
}

const sameTrial = (one: RuleTrial, other: RuleTrial): boolean =>
  one.rule === other.rule &&
  one.mode === other.mode &&
  one.action === other.action &&
  one.matched === other.matched &&
  one.why === other.why;

/** @throws RangeError where it is not what one of those above wrote */
export function readDefinition(payload: Buffer, definitionAt: (place: number) => Definition): Definition {
  const reader = new ByteReader(payload);
  switch (reader.u8()) {
    case OF_A_SESSION: {
      const [sessionId, principalName] = [reader.text(), reader.text()];
      const ownerName = reader.optionalText();
      const [connectionName, clientAddress, applicationName] = [reader.text(), reader.text(), reader.text()];
      return { session: { sessionId, principalName, ownerName, connectionName, clientAddress, applicationName } };
    }
    case OF_JUDGED:
      return { judged: knownJudged(payload, reader) };
    case OF_A_TEXT: {
      const definition = definitionAt(reader.u32());
      if (!('judged' in definition) || 'text' in definition) throw new RangeError('it names a definition of another kind');
      return { text: takeText(reader), judged: definition.judged };
    }
    case OF_A_STATEMENT:
      return { text: takeText(reader), judged: takeJudged(reader) };
    default:
      throw new RangeError('it holds a definition of nothing');
  }
}

function takeText(reader: ByteReader): TextPart {
  const [kind, sql] = [reader.text(), reader.text()];
  const [rewritten, executes] = [reader.optionalText(), reader.optionalText()];
  return { kind, sql, rewritten, executes };
}

/** Parts that were read before, by their bytes: whoever comes after can tell by identity that two are one. */
const readBefore = new Map<string, JudgedPart>();
const MOST_KNOWN = 2_000;
/** More than this is not worth its room. */
const MOST_KNOWN_BYTES = 4_096;

function knownJudged(payload: Buffer, reader: ByteReader): JudgedPart {
  if (payload.length > MOST_KNOWN_BYTES) return takeJudged(reader);
  const bytes = payload.toString('latin1');
  const known = readBefore.get(bytes);
  if (known !== undefined) return known;
  const judged = takeJudged(reader);
  if (readBefore.size >= MOST_KNOWN) readBefore.clear();
  readBefore.set(bytes, judged);
  return judged;
}

function takeJudged(reader: ByteReader): JudgedPart {
  const fingerprint = reader.text();
  const shape = reader.optionalText();
  const touchedColumns = list(reader, () => reader.text());
  const relations = list(reader, () => ({ name: reader.text(), access: oneOf(ACCESSES, reader.u8()) }));
  const effects = list(reader, () => reader.text());
  const unbounded = reader.u8() === 1;
  const verdict = oneOf(ACTIONS, reader.u8());
  const rule = reader.optionalText();
  const why = reader.text();
  const tried = list(reader, () => ({
    rule: reader.text(),
    mode: oneOf(MODES, reader.u8()),
    action: oneOf(ACTIONS, reader.u8()),
    matched: reader.u8() === 1,
    why: reader.text(),
  }));
  const named = shape === null ? {} : { shape };
  return { fingerprint, ...named, touchedColumns, relations, effects, unbounded, verdict, rule, why, tried };
}

function texts(out: ByteWriter, values: readonly string[]): void {
  out.u16(values.length);
  for (const value of values) out.text(value);
}

function list<T>(reader: ByteReader, read: () => T): T[] {
  const values: T[] = [];
  for (let left = reader.u16(); left > 0; left--) values.push(read());
  return values;
}
