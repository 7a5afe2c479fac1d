import type { StatementEntry } from '../journal/entries';
import type { RecordEntry } from './leaf';
import { VALUE_FIELDS } from './leaf';

/** Where an entry comes from, as a leaf says it. */
export interface LeafPlace {
  node: string;
  /** Null for what the recorder itself says. */
  journal: { name: string; seq: number | null } | null;
}

/** Text in pieces that follow each other; what many leaves share is in bytes already. */
export type Pieces = readonly (string | Buffer)[];

export const textOf = (pieces: Pieces): string => pieces.map((piece) => piece.toString()).join('');

/**
 * A leaf in canonical JSON (see Leaf): what `JSON.stringify` writes of it. Of statements, which most leaves are, what many have in common is
 * written once.
 *
 * @param commitments JSON of the leaf's `values`; null where it has none
 */
export function leafText(entry: RecordEntry, place: LeafPlace, commitments: string | null): Pieces {
  const head = headOf(place);
  const begin = `${place.journal?.seq ?? null},"entry":`;
  const end = commitments === null ? '}' : `,"values":${commitments}}`;
  if (entry.type === 'statement') return statementText(head, begin, entry, end);
  return [head, `${begin}${json(entry.type === 'result' ? { ...entry, rows: clearOf(entry.rows) } : entry)}${end}`];
}

let lastHead = { node: '', name: '' as string | null, bytes: Buffer.alloc(0) };

/** Of one journal many leaves follow each other. */
function headOf({ node, journal }: LeafPlace): Buffer {
  const name = journal?.name ?? null;
  if (lastHead.name !== name || lastHead.node !== node || lastHead.bytes.length === 0)
    lastHead = { node, name, bytes: Buffer.from(`{"v":1,"node":${json(node)},"journal":${json(name)},"seq":`) };
  return lastHead.bytes;
}

/** Of a field whose value is lifted out (see VALUE_FIELDS): what holds nothing stays where it is. */
export const holdsNothing = (value: unknown): boolean => value == null || value === '' || (Array.isArray(value) && value.length === 0);

const NOTHING: readonly never[] = [];
const clearOf = (value: unknown): unknown => (holdsNothing(value) ? (Array.isArray(value) ? NOTHING : value) : undefined);

const json = (value: unknown): string => JSON.stringify(value);

/** JSON of fields that follow each other in a leaf. Statements that say the same in them, and are found by the same `key`, share it. */
class SharedPart {
  readonly #known = new Map<unknown, { fields: Fields; bytes: Buffer }>();
  readonly #names: readonly (keyof StatementEntry)[];
  readonly #isLifted: readonly boolean[];

  constructor(
    part: StatementPart,
    private readonly key: (entry: StatementEntry) => unknown,
    /** Written out, field by field: a loop over their names would cost more than what it saves. */
    private readonly says: (entry: StatementEntry, fields: Fields) => boolean,
  ) {
    const lifted: readonly string[] = VALUE_FIELDS.statement;
    this.#names = STATEMENT_PARTS[part];
    this.#isLifted = this.#names.map((name) => lifted.includes(name));
  }

  bytesOf(entry: StatementEntry): Buffer {
    const key = this.key(entry);
    const known = this.#known.get(key);
    if (known !== undefined && this.says(entry, known.fields)) return known.bytes;
    const fields: Partial<Record<keyof StatementEntry, unknown>> = {};
    let text = '';
    for (const [at, name] of this.#names.entries()) {
      fields[name] = this.#isLifted[at] === true ? clearOf(entry[name]) : entry[name];
      text += field(`,"${name}":`, fields[name]);
    }
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    const bytes = Buffer.from(text);
    if (text.length <= MOST_CHARS) this.#known.set(key, { fields, bytes });
    return bytes;
  }
}

/** What a leaf says of them: of those that are lifted, what is left. */
type Fields = Readonly<Partial<Record<keyof StatementEntry, unknown>>>;

const MOST_KNOWN = 2_000;
/** What is longer is not worth the room. */
const MOST_CHARS = 4_096;

/** JSON leaves out what is not there. */
function field(name: string, value: unknown): string {
  if (value === undefined) return '';
  if (value === null) return `${name}null`;
  return typeof value === 'number' && Number.isFinite(value) ? `${name}${value}` : name + json(value);
}

/**
 * The parts of a statement's leaf, in its order but for `own`: of that, `id` stands first, `atMs` behind `who`, and the rest at the end.
 * Many statements have the same `who`, `what` or `how`.
 */
export const STATEMENT_PARTS = {
  own: ['id', 'atMs', 'analysisMs', 'transactionStatus', 'runOf', 'transactionId'],
  who: ['sessionId', 'principalName', 'ownerName', 'connectionName', 'clientAddress', 'applicationName'],
  what: [
    ...(['kind', 'sql', 'rewritten', 'executes', 'fingerprint', 'shape', 'touchedColumns', 'relations'] as const),
    ...(['effects', 'unbounded', 'verdict', 'rule', 'why', 'tried'] as const),
  ],
  how: ['protocol', 'parameters', 'policyVersion', 'requestId', 'grantId', 'breakGlass', 'reviewers', 'status', 'sqlstate'],
} as const satisfies Record<string, readonly (keyof StatementEntry)[]>;
export type StatementPart = keyof typeof STATEMENT_PARTS;

/** A field added to the entry has to be given a place here, or it would be lost on the way. */
type Unplaced = Exclude<keyof StatementEntry, (typeof STATEMENT_PARTS)[StatementPart][number] | 'type'>;
true satisfies [Unplaced] extends [never] ? true : never;

const who = new SharedPart(
  'who',
  ({ sessionId }) => sessionId,
  (entry, fields) =>
    entry.sessionId === fields.sessionId &&
    entry.principalName === fields.principalName &&
    entry.ownerName === fields.ownerName &&
    entry.connectionName === fields.connectionName &&
    entry.clientAddress === fields.clientAddress &&
    entry.applicationName === fields.applicationName,
);
/** Journals give the same lists to all of whom they say the same (knownJudged in proxy/journal/definitions.ts): others are written again. */
const what = new SharedPart(
  'what',
  ({ relations }) => relations,
  (entry, fields) =>
    entry.kind === fields.kind &&
    clearOf(entry.sql) === fields.sql &&
    clearOf(entry.rewritten) === fields.rewritten &&
    clearOf(entry.executes) === fields.executes &&
    entry.fingerprint === fields.fingerprint &&
    entry.shape === fields.shape &&
    entry.touchedColumns === fields.touchedColumns &&
    entry.relations === fields.relations &&
    entry.effects === fields.effects &&
    entry.unbounded === fields.unbounded &&
    entry.verdict === fields.verdict &&
    entry.rule === fields.rule &&
    clearOf(entry.why) === fields.why &&
    clearOf(entry.tried) === fields.tried,
);
const how = new SharedPart(
  'how',
  ({ status }) => status,
  (entry, fields) =>
    entry.protocol === fields.protocol &&
    clearOf(entry.parameters) === fields.parameters &&
    entry.policyVersion === fields.policyVersion &&
    entry.requestId === fields.requestId &&
    entry.grantId === fields.grantId &&
    clearOf(entry.breakGlass) === fields.breakGlass &&
    entry.reviewers === fields.reviewers &&
    entry.status === fields.status &&
    entry.sqlstate === fields.sqlstate,
);

function statementText(head: Buffer, begin: string, entry: StatementEntry, end: string): Pieces {
  const own =
    field(',"analysisMs":', entry.analysisMs) +
    field(',"transactionStatus":', entry.transactionStatus) +
    field(',"runOf":', entry.runOf) +
    field(',"transactionId":', entry.transactionId);
  return [
    head,
    `${begin}{"type":"statement","id":${json(entry.id)}`,
    who.bytesOf(entry),
    field(',"atMs":', entry.atMs),
    what.bytesOf(entry),
    how.bytesOf(entry),
    `${own}}${end}`,
  ];
}
