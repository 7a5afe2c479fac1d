import type { StatementEntry } from '../journal/entries';
import type { RecordEntry } from './leaf';
import { VALUE_FIELDS } from './leaf';

/** Where an entry comes from, as a leaf says it. */
export interface LeafPlace {
  node: string;
  /** Null for what the recorder itself says. */
  journal: { name: string; seq: number | null } | null;
}

/**
 * A leaf in canonical JSON (see Leaf): what `JSON.stringify` writes of it. Of statements, which most leaves are, what many have in common is
 * written once.
 *
 * @param commitments JSON of the leaf's `values`; null where it has none
 */
export function leafText(entry: RecordEntry, { node, journal }: LeafPlace, commitments: string | null): string {
  const { type } = entry;
  const clear = type === 'statement' ? statementText(entry) : json(type === 'result' ? { ...entry, rows: clearOf(entry.rows) } : entry);
  const values = commitments === null ? '' : `,"values":${commitments}`;
  return `{"v":1,"node":${json(node)},"journal":${json(journal?.name ?? null)},"seq":${journal?.seq ?? null},"entry":${clear}${values}}`;
}

/** Of a field whose value is lifted out (see VALUE_FIELDS): what holds nothing stays where it is. */
export const holdsNothing = (value: unknown): boolean => value == null || value === '' || (Array.isArray(value) && value.length === 0);

const NOTHING: readonly never[] = [];
const clearOf = (value: unknown): unknown => (holdsNothing(value) ? (Array.isArray(value) ? NOTHING : value) : undefined);

const json = (value: unknown): string => JSON.stringify(value);

/** JSON of fields that follow each other in a leaf. Statements that say the same in them, and are found by the same `key`, share it. */
class SharedFields<Name extends keyof StatementEntry> {
  readonly #known = new Map<unknown, { values: unknown[]; text: string }>();
  readonly #isLifted: readonly boolean[];

  constructor(
    private readonly key: keyof StatementEntry,
    private readonly names: readonly Name[],
  ) {
    const lifted: readonly string[] = VALUE_FIELDS.statement;
    this.#isLifted = names.map((name) => lifted.includes(name));
  }

  textOf(entry: StatementEntry): string {
    const { names } = this;
    const key = entry[this.key];
    const known = this.#known.get(key);
    if (known !== undefined && this.#says(entry, known.values)) return known.text;
    const values = names.map((name, at) => this.#valueOf(entry, name, at));
    const text = names.map((name, at) => field(`,"${name}":`, values[at])).join('');
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    if (text.length <= MOST_CHARS) this.#known.set(key, { values, text });
    return text;
  }

  /** Lists are compared by identity: of two that are alike the later one is written again, and nothing else. */
  #says(entry: StatementEntry, values: readonly unknown[]): boolean {
    for (let at = 0; at < values.length; at++) {
      const name = this.names[at];
      if (name === undefined || this.#valueOf(entry, name, at) !== values[at]) return false;
    }
    return true;
  }

  #valueOf(entry: StatementEntry, name: Name, at: number): unknown {
    return this.#isLifted[at] === true ? clearOf(entry[name]) : entry[name];
  }
}

const MOST_KNOWN = 2_000;
/** What is longer is not worth the room. */
const MOST_CHARS = 4_096;

/** JSON leaves out what is not there. */
const field = (name: string, value: unknown): string => (value === undefined ? '' : name + json(value));

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

const who = new SharedFields('sessionId', STATEMENT_PARTS.who);
/** Journals give the same list to all of whom they say the same (knownJudged in proxy/journal/records.ts). */
const what = new SharedFields('relations', STATEMENT_PARTS.what);
const how = new SharedFields('status', STATEMENT_PARTS.how);

function statementText(entry: StatementEntry): string {
  const when = field(',"atMs":', entry.atMs);
  const own =
    field(',"analysisMs":', entry.analysisMs) +
    field(',"transactionStatus":', entry.transactionStatus) +
    field(',"runOf":', entry.runOf) +
    field(',"transactionId":', entry.transactionId);
  return `{"type":"statement","id":${json(entry.id)}${who.textOf(entry)}${when}${what.textOf(entry)}${how.textOf(entry)}${own}}`;
}
