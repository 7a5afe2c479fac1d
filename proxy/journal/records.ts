import type { ParameterValue, StatementStatus } from '../../db/schema/shapes';
import { ByteReader, type ByteWriter } from './bytes';
import type { OutcomeEntry, StatementEntry } from './entries';

/**
 * The compact form of the two entries that every run writes. What is the same for every run of a judged statement, or for every statement of a
 * session, stands once in a `define` frame; the entry names it by its place in the segment. Reading gives the whole entry again, where a
 * field that was left out of a statement reads as null.
 */

const OF_SESSION = [
  'sessionId',
  'principalName',
  'ownerName',
  'connectionName',
  'clientAddress',
  'applicationName',
] as const satisfies readonly (keyof StatementEntry)[];

const OF_STATEMENT = [
  'kind',
  'sql',
  'rewritten',
  'executes',
  'fingerprint',
  'shape',
  'touchedColumns',
  'relations',
  'effects',
  'unbounded',
  'verdict',
  'rule',
  'why',
  'tried',
] as const satisfies readonly (keyof StatementEntry)[];

export type SessionPart = Pick<StatementEntry, (typeof OF_SESSION)[number]>;
export type StatementPart = Pick<StatementEntry, (typeof OF_STATEMENT)[number]>;

/** What a run has of its own, and may leave out, in the order it is written. */
const OPTIONAL_TEXTS = [
  'requestId',
  'grantId',
  'breakGlass',
  'sqlstate',
  'runOf',
  'transactionId',
] as const satisfies readonly (keyof StatementEntry)[];

type OfRun = 'type' | 'id' | 'atMs' | 'protocol' | 'parameters' | 'policyVersion' | 'status' | 'analysisMs' | 'transactionStatus';
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

export const definitionOfSession = (entry: SessionPart): string => JSON.stringify({ session: pick(entry, OF_SESSION) });
export const definitionOfStatement = (entry: StatementPart): string => JSON.stringify({ statement: pick(entry, OF_STATEMENT) });

function pick<T, K extends keyof T>(from: T, keys: readonly K[]): Partial<T> {
  const picked: Partial<T> = {};
  for (const key of keys) picked[key] = from[key];
  return picked;
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
  let present = 0;
  for (let i = 0; i < OPTIONAL_TEXTS.length; i++) if (entry[optional(i)] != null) present |= 1 << i;
  out.u8(present);
  for (let i = 0; present >> i !== 0; i++) {
    const value = entry[optional(i)];
    if (value != null) out.text(value);
  }
  out.u16(entry.parameters.length);
  for (const { typeOid, value, truncated } of entry.parameters) {
    out.u32(typeOid);
    out.u8((value === null ? NULL_VALUE : 0) | (truncated === true ? TRUNCATED : 0));
    if (value !== null) out.text(value);
  }
}

const optional = (i: number) => OPTIONAL_TEXTS[i] ?? 'requestId';

/** What a `define` frame holds. */
export type Definition = { session: SessionPart } | { statement: StatementPart };

/** @throws RangeError, SyntaxError where it is not what writeStatement wrote */
export function readStatement(payload: Buffer, definitionAt: (place: number) => Definition): StatementEntry {
  const reader = new ByteReader(payload);
  const session = definitionAt(reader.u32());
  const statement = definitionAt(reader.u32());
  if (!('session' in session) || !('statement' in statement)) throw new RangeError('it names a definition of another kind');
  const protocol = known(PROTOCOLS, reader.u8());
  const status = known(STATUSES, reader.u8());
  const atMs = reader.f64();
  const analysisMs = reader.f64();
  const policyVersion = reader.f64();
  const id = reader.text();
  const transactionStatus = reader.text();
  const present = reader.u8();
  const [requestId, grantId, breakGlass, sqlstate, runOf, transactionId] = OPTIONAL_TEXTS.map((_, i) =>
    (present & (1 << i)) === 0 ? null : reader.text(),
  );
  const parameters: ParameterValue[] = [];
  for (let left = reader.u16(); left > 0; left--) {
    const typeOid = reader.u32();
    const flags = reader.u8();
    const value = (flags & NULL_VALUE) === 0 ? reader.text() : null;
    parameters.push({ typeOid, value, ...((flags & TRUNCATED) === 0 ? {} : { truncated: true }) });
  }
  return {
    type: 'statement',
    id,
    ...session.session,
    atMs,
    ...statement.statement,
    protocol,
    parameters,
    policyVersion,
    requestId: requestId ?? null,
    grantId: grantId ?? null,
    breakGlass: breakGlass ?? null,
    status,
    sqlstate: sqlstate ?? null,
    analysisMs,
    transactionStatus,
    runOf: runOf ?? null,
    transactionId: transactionId ?? null,
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
const OUTCOME_LISTS = ['maskedColumns', 'detected'] as const satisfies readonly (keyof OutcomeEntry)[];

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
  for (const key of OUTCOME_NUMBERS) {
    if (entry[key] !== undefined) present |= bit;
    bit <<= 1;
  }
  for (const key of OUTCOME_TEXTS) {
    if (entry[key] !== undefined) present |= bit;
    bit <<= 1;
  }
  const lists = entry.maskedColumns !== undefined || entry.detected !== undefined;
  if (lists) present |= bit;
  out.u16(present);
  for (const key of OUTCOME_NUMBERS) {
    const value = entry[key];
    if (value !== undefined) out.f64(value);
  }
  for (const key of OUTCOME_TEXTS) {
    const value = entry[key];
    if (value !== undefined) out.text(value);
  }
  if (lists) out.text(JSON.stringify({ maskedColumns: entry.maskedColumns, detected: entry.detected }));
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
