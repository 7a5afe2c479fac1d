import type { ParameterValue, Reviewer, StatementStatus } from '../../db/schema/shapes';
import { ByteReader, type ByteWriter, oneOf } from './bytes';
import type { Definition, SessionPart, StatementPart } from './definitions';
import type { OutcomeEntry, StatementEntry } from './entries';

/**
 * The compact form of the two entries that every run writes. A statement names what it has in common with others (definitions.ts) by its
 * place. Reading gives the whole entry again, where a field that was left out of a statement reads as null.
 */

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
  const protocol = oneOf(PROTOCOLS, reader.u8());
  const status = oneOf(STATUSES, reader.u8());
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
  const entry: OutcomeEntry = { type: 'outcome', id: reader.text(), status: oneOf(STATUSES, reader.u8()) };
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
