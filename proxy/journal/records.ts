import type { Action, Mode, ParameterValue, RelationUse, Reviewer, RuleTrial, StatementStatus } from '../../db/schema/shapes';
import { ByteReader, type ByteWriter } from './bytes';
import type { OutcomeEntry, StatementEntry } from './entries';

/**
 * The compact form of the two entries that every run writes. What is the same for every run of a text, for every text that is judged alike, or
 * for every statement of a session, stands once in a `define` frame; what needs it names it by its place in the segment. Reading gives the
 * whole entry again, where a field that was left out of a statement reads as null.
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

/** What a run has of its own, and may leave out, in the order it is written. */
const OPTIONAL_TEXTS = [
  'requestId',
  'grantId',
  'breakGlass',
  'sqlstate',
  'runOf',
  'transactionId',
] as const satisfies readonly (keyof StatementEntry)[];
/** Its bit behind theirs: JSON, for few statements have any. */
const HAS_REVIEWERS = 1 << OPTIONAL_TEXTS.length;

type OfRun =
  | ('type' | 'id' | 'atMs' | 'protocol' | 'parameters' | 'policyVersion' | 'status' | 'analysisMs' | 'transactionStatus')
  | 'reviewers';
/** A field added to the entry has to be given a place here, or it would be lost on the way. */
type Unplaced = Exclude<keyof StatementEntry, keyof SessionPart | keyof StatementPart | OfRun | (typeof OPTIONAL_TEXTS)[number]>;
true satisfies [Unplaced] extends [never] ? true : never;

/** Places of the two `define` frames of an entry, in bytes from the start of the segment. */
export interface Places {
  session: number;
  statement: number;
}

// Written by number: the order of these lists is the format.
const PROTOCOLS: readonly StatementEntry['protocol'][] = ['simple', 'extended', 'function call'];
const STATUSES: readonly StatementStatus[] = [
  ...(['running', 'held', 'done', 'failed', 'denied', 'rejected'] as const),
  ...(['withdrawn', 'expired', 'skipped', 'rolledBack', 'unknown'] as const),
];

const NULL_VALUE = 1;
const TRUNCATED = 2;

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
  optionalText(out, part.ownerName);
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
  optionalText(out, part.rewritten);
  optionalText(out, part.executes);
}

export function writeJudged(out: ByteWriter, part: JudgedPart): void {
  out.u8(OF_JUDGED);
  out.text(part.fingerprint);
  optionalText(out, part.shape);
  texts(out, part.touchedColumns ?? []);
  out.u16(part.relations.length);
  for (const { name, access } of part.relations) {
    out.text(name);
    out.u8(ACCESSES.indexOf(access));
  }
  texts(out, part.effects);
  out.u8(part.unbounded === true ? 1 : 0);
  out.u8(ACTIONS.indexOf(part.verdict));
  optionalText(out, part.rule);
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
      const ownerName = readOptional(reader);
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
  const [rewritten, executes] = [readOptional(reader), readOptional(reader)];
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
  const shape = readOptional(reader);
  const touchedColumns = list(reader, () => reader.text());
  const relations = list(reader, () => ({ name: reader.text(), access: known(ACCESSES, reader.u8()) }));
  const effects = list(reader, () => reader.text());
  const unbounded = reader.u8() === 1;
  const verdict = known(ACTIONS, reader.u8());
  const rule = readOptional(reader);
  const why = reader.text();
  const tried = list(reader, () => ({
    rule: reader.text(),
    mode: known(MODES, reader.u8()),
    action: known(ACTIONS, reader.u8()),
    matched: reader.u8() === 1,
    why: reader.text(),
  }));
  const named = shape === null ? {} : { shape };
  return { fingerprint, ...named, touchedColumns, relations, effects, unbounded, verdict, rule, why, tried };
}

function optionalText(out: ByteWriter, value: string | null | undefined): void {
  out.u8(value == null ? 0 : 1);
  if (value != null) out.text(value);
}

const readOptional = (reader: ByteReader): string | null => (reader.u8() === 0 ? null : reader.text());

function texts(out: ByteWriter, values: readonly string[]): void {
  out.u16(values.length);
  for (const value of values) out.text(value);
}

function list<T>(reader: ByteReader, read: () => T): T[] {
  const values: T[] = [];
  for (let left = reader.u16(); left > 0; left--) values.push(read());
  return values;
}

export function writeStatement(out: ByteWriter, entry: StatementEntry, places: Places): void {
  out.reserve(128);
  out.u32(places.session);
  out.u32(places.statement);
  out.u8(PROTOCOLS.indexOf(entry.protocol));
  out.u8(STATUSES.indexOf(entry.status));
  out.f64(entry.atMs);
  out.f64(entry.analysisMs);
  out.f64(entry.policyVersion);
  out.text(entry.id);
  out.text(entry.transactionStatus);
  // Which of them are there stands before them, and is known behind them.
  let present = 0;
  const at = out.length;
  out.u8(0);
  for (let i = 0; i < OPTIONAL_TEXTS.length; i++) {
    const value = entry[optional(i)];
    if (value == null) continue;
    present |= 1 << i;
    out.text(value);
  }
  if (entry.reviewers !== undefined) {
    present |= HAS_REVIEWERS;
    out.text(JSON.stringify(entry.reviewers));
  }
  out.bytes[at] = present;
  out.u16(entry.parameters.length);
  for (const { typeOid, value, truncated } of entry.parameters) {
    out.u32(typeOid);
    out.u8((value === null ? NULL_VALUE : 0) | (truncated === true ? TRUNCATED : 0));
    if (value !== null) out.text(value);
  }
}

const optional = (i: number) => OPTIONAL_TEXTS[i] ?? 'requestId';

/** @throws RangeError, SyntaxError where it is not what writeStatement wrote */
export function readStatement(payload: Buffer, definitionAt: (place: number) => Definition): StatementEntry {
  const reader = new ByteReader(payload);
  const session = definitionAt(reader.u32());
  const statement = definitionAt(reader.u32());
  if (!('session' in session) || !('text' in statement)) throw new RangeError('it names a definition of another kind');
  const protocol = known(PROTOCOLS, reader.u8());
  const status = known(STATUSES, reader.u8());
  const atMs = reader.f64();
  const analysisMs = reader.f64();
  const policyVersion = reader.f64();
  const id = reader.text();
  const transactionStatus = reader.text();
  const present = reader.u8();
  /** In the order of OPTIONAL_TEXTS. */
  const texts: (string | undefined)[] = [];
  for (let i = 0; i < OPTIONAL_TEXTS.length; i++) texts[i] = (present & (1 << i)) === 0 ? undefined : reader.text();
  const reviewers = (present & HAS_REVIEWERS) === 0 ? undefined : (JSON.parse(reader.text()) as Reviewer[]);
  const parameters: ParameterValue[] = [];
  for (let left = reader.u16(); left > 0; left--) {
    const typeOid = reader.u32();
    const flags = reader.u8();
    const value = (flags & NULL_VALUE) === 0 ? reader.text() : null;
    parameters.push({ typeOid, value, ...((flags & TRUNCATED) === 0 ? {} : { truncated: true }) });
  }
  const { session: who } = session;
  const { text, judged } = statement;
  // Field by field: of two objects spread into one the engine makes a table, which all that follows is slow with.
  return {
    type: 'statement',
    id,
    sessionId: who.sessionId,
    principalName: who.principalName,
    ownerName: who.ownerName,
    connectionName: who.connectionName,
    clientAddress: who.clientAddress,
    applicationName: who.applicationName,
    atMs,
    kind: text.kind,
    sql: text.sql,
    rewritten: text.rewritten,
    executes: text.executes ?? null,
    fingerprint: judged.fingerprint,
    ...(judged.shape === undefined ? {} : { shape: judged.shape }),
    touchedColumns: judged.touchedColumns ?? [],
    relations: judged.relations,
    effects: judged.effects,
    unbounded: judged.unbounded === true,
    verdict: judged.verdict,
    rule: judged.rule,
    why: judged.why,
    tried: judged.tried,
    protocol,
    parameters,
    policyVersion,
    requestId: texts[0] ?? null,
    grantId: texts[1] ?? null,
    breakGlass: texts[2] ?? null,
    reviewers,
    status,
    sqlstate: texts[3] ?? null,
    analysisMs,
    transactionStatus,
    runOf: texts[4] ?? null,
    transactionId: texts[5] ?? null,
  };
}

const OUTCOME_NUMBERS = [
  'rows',
  'bytes',
  'durationMs',
  'waitMs',
  'upstreamMs',
  'maskingMs',
  'atMs',
] as const satisfies readonly (keyof OutcomeEntry)[];
const OUTCOME_TEXTS = ['requestId', 'sqlstate'] as const satisfies readonly (keyof OutcomeEntry)[];
/** Rare enough to be JSON. */
const OUTCOME_LISTS = ['maskedColumns', 'detected', 'reviewers'] as const satisfies readonly (keyof OutcomeEntry)[];

type UnplacedOfOutcome = Exclude<
  keyof OutcomeEntry,
  'type' | 'id' | 'status' | (typeof OUTCOME_NUMBERS)[number] | (typeof OUTCOME_TEXTS)[number] | (typeof OUTCOME_LISTS)[number]
>;
true satisfies [UnplacedOfOutcome] extends [never] ? true : never;

export function writeOutcome(out: ByteWriter, entry: OutcomeEntry): void {
  out.reserve(128);
  out.text(entry.id);
  out.u8(STATUSES.indexOf(entry.status));
  let present = 0;
  let bit = 1;
  const at = out.length;
  out.u16(0);
  for (let i = 0; i < OUTCOME_NUMBERS.length; i++, bit <<= 1) {
    const value = entry[OUTCOME_NUMBERS[i] ?? 'rows'];
    if (value === undefined) continue;
    present |= bit;
    out.f64(value);
  }
  for (let i = 0; i < OUTCOME_TEXTS.length; i++, bit <<= 1) {
    const value = entry[OUTCOME_TEXTS[i] ?? 'requestId'];
    if (value === undefined) continue;
    present |= bit;
    out.text(value);
  }
  const { maskedColumns, detected, reviewers } = entry;
  if (maskedColumns !== undefined || detected !== undefined || reviewers !== undefined) {
    present |= bit;
    out.text(JSON.stringify({ maskedColumns, detected, reviewers }));
  }
  out.bytes.writeUInt16LE(present, at);
}

/** @throws RangeError, SyntaxError where it is not what writeOutcome wrote */
export function readOutcome(payload: Buffer): OutcomeEntry {
  const reader = new ByteReader(payload);
  const entry: OutcomeEntry = { type: 'outcome', id: reader.text(), status: known(STATUSES, reader.u8()) };
  let present = reader.u16();
  const next = () => {
    const has = (present & 1) === 1;
    present >>= 1;
    return has;
  };
  for (const key of OUTCOME_NUMBERS) if (next()) entry[key] = reader.f64();
  for (const key of OUTCOME_TEXTS) if (next()) entry[key] = reader.text();
  if (next()) Object.assign(entry, JSON.parse(reader.text()));
  return entry;
}

function known<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new RangeError('it holds a number that stands for nothing');
  return value;
}
