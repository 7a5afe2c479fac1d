import type { Action, RelationUse } from '../../db/schema/shapes';
import type { CatalogSnapshot } from '../catalog/types';
import type { RecordedStatement } from '../journal/definitions';
import type { MaskIndex } from '../masking/columns';
import { contentTouch, isCopyToClient } from '../masking/copyContent';
import { detectionFor, enforcesDetection } from '../masking/detect/rules';
import { asItIs, type MaskedReading, readMasked } from '../masking/rewrite/semantics';
import { type Spliced, splice } from '../masking/rewrite/splice';
import { touchOf } from '../masking/touch';
import type { Touch } from '../masking/types';
import { factsOf } from '../sql/facts';
import { guardDepth, type ParsedStatement, parseStatements } from '../sql/parse';
import type { Effect, StatementFacts, TextFacts } from '../sql/types';
import { unboundedWrites } from './bounded/writes';
import { decide, strictestAction } from './decide';
import { type Refusal, reviewCalls } from './functions';
import { resolveNames } from './resolve';
import { settingProblem } from './settings';
import { hasTableRules } from './tableRules';
import { timeoutRefusals } from './timeouts';
import type { ConnectionPolicy, PolicySnapshot, Principal, Verdict } from './types';

export interface JudgeContext {
  connection: ConnectionPolicy;
  principal: Principal;
  policy: PolicySnapshot;
  catalog: CatalogSnapshot;
  masks: MaskIndex;
  now: Date;
  /** The session's search_path where it is known to differ from the default; null when it is not known. */
  searchPath?: readonly string[] | null;
}

export interface JudgedStatement {
  facts: StatementFacts;
  relations: readonly RelationUse[];
  /** `schema.table.column` of what it names, by the names alone; absent where it was not resolved. */
  columns?: readonly string[];
  /** The text behind the name that it executes. */
  executes?: string;
  touch: Touch;
  verdict: Verdict;
  /** Once it has run, the catalog snapshot may be stale: DDL, and code that cannot be looked into. */
  changesCatalog: boolean;
  /** Kept here by the record, of this very object. */
  recorded?: RecordedStatement;
  /** Set when it does not go to the server as it came. */
  rewritten?: Rewritten;
}

/** A statement that reads columns with `inference: masked`, as the server gets it. */
export interface Rewritten {
  /** This statement alone. */
  text: string;
  /** The whole text it stands in. */
  whole: Spliced;
  /** The masked columns its output shows: `schema.table.column`. */
  columns: readonly string[];
  /** The same for statements that read the same columns through the same masks. */
  reads: string;
}

export interface Judgement {
  statements: readonly JudgedStatement[];
  /** The strictest action of any statement; a text without statements is allowed. */
  action: Action;
  /** The text that is forwarded in place of the one that was judged: masked columns are read through their masks. */
  forward?: Spliced;
}

/**
 * Judges a text: every statement of it, before any is forwarded. Pure.
 * @throws SqlSyntaxError when it does not parse, SqlTooComplexError when it cannot be analysed; neither may be forwarded.
 */
export function judge(text: string, context: JudgeContext): Judgement {
  return guardDepth(() => {
    const read: ReadStatement[] = [];
    let change: JudgedStatement | undefined;
    for (const parsed of parseStatements(text)) {
      const item = judgeStatement(parsed, text, context, context.masks.empty ? undefined : change);
      read.push(item);
      if (item.judged.changesCatalog) change ??= item.judged;
    }
    const action = read.reduce<Action>((strictest, { judged }) => strictestAction(strictest, judged.verdict.action), 'allow');
    if (read.every(({ reading }) => reading.edits.length === 0)) return { statements: read.map(({ judged }) => judged), action };
    const whole = splice(
      text,
      read.flatMap(({ reading }) => reading.edits),
    );
    return { statements: read.map((item) => withRewritten(item, whole)), action, forward: whole };
  });
}

interface ReadStatement {
  judged: JudgedStatement;
  parsed: ParsedStatement;
  reading: MaskedReading;
}

function withRewritten({ judged, parsed, reading }: ReadStatement, whole: Spliced): JudgedStatement {
  const { edits, columns, reads } = reading;
  if (edits.length === 0) return judged;
  const own = edits.map((edit) => ({ ...edit, start: edit.start - parsed.location, end: edit.end - parsed.location }));
  return { ...judged, rewritten: { text: splice(parsed.text, own).text, whole, columns, reads } };
}

function judgeStatement(parsed: ParsedStatement, whole: string, context: JudgeContext, before: JudgedStatement | undefined): ReadStatement {
  const textFacts = factsOf(parsed);
  const calls = reviewCalls(parsed.node, context.catalog);
  const planted = context.masks.empty ? null : plantedCode(textFacts);
  const searchPath = context.searchPath === undefined ? context.catalog.searchPath : context.searchPath;
  const resolved = resolveNames(parsed.node, textFacts, context.catalog, searchPath);
  const facts: StatementFacts = {
    ...textFacts,
    unboundedWrites: unboundedWrites(parsed.node, context.catalog, searchPath),
    effects: new Set<Effect>([
      ...textFacts.effects,
      ...calls.effects,
      ...(planted === null ? [] : (['opaque'] as const)),
      ...(resolved.foreign ? (['network'] as const) : []),
    ]),
  };
  const asItCame = before === undefined ? touchOf(parsed, facts, context.masks, context.catalog, searchPath) : behindChange(before);
  const place = { whole, facts, masks: context.masks, catalog: context.catalog, searchPath };
  const reading = before === undefined ? readMasked(parsed, asItCame, place) : asItIs(asItCame);
  const looked = isCopyToClient(parsed.node) && enforcesDetection(detectionFor({ ...context, masking: context.policy.masking }));
  const touch = looked ? contentTouch(parsed.node, reading.touch, context.catalog, searchPath) : reading.touch;
  const unnamed = hasTableRules(context.policy, context.connection, context.principal) ? resolved.opaque : [];
  const verdict = decide({
    facts,
    relations: resolved.tables,
    columns: resolved.columns,
    touch,
    functions: resolved.functions,
    opaque: [...calls.opaque, ...[...(planted === null ? [] : [planted]), ...unnamed].map((why) => ({ why }))],
    refusals: [
      ...sessionRefusals(facts),
      ...calls.refusals,
      ...catalogWrites(facts),
      ...timeoutRefusals(parsed.node, context.connection.limits),
    ],
    connection: context.connection,
    principal: context.principal,
    policy: context.policy,
    now: context.now,
  });
  const judged = { facts, relations: resolved.relations, columns: resolved.columns, touch, verdict, changesCatalog: changesCatalog(facts) };
  return { judged, parsed, reading };
}

/** The catalog that a later statement of one text meets is not the one it would be judged by. */
function behindChange(before: JudgedStatement): Touch {
  return {
    state: 'unresolved',
    reason: `it follows ${before.facts.kind} in one text, which can change what its names mean; send the statements separately`,
    columns: [],
  };
}

const CATALOG_EFFECTS: readonly Effect[] = ['create', 'alter', 'drop', 'grant', 'role', 'opaque'];

function changesCatalog(facts: StatementFacts): boolean {
  return CATALOG_EFFECTS.some((effect) => facts.effects.has(effect));
}

const CODE_COMMANDS = [
  'CREATE FUNCTION',
  'CREATE PROCEDURE',
  'CREATE TRIGGER',
  'CREATE EVENT TRIGGER',
  'CREATE RULE',
  'CREATE AGGREGATE',
  'CREATE OPERATOR',
  'CREATE CAST',
  'CREATE POLICY',
];

/** Code that is made now and runs later inside innocent statements could carry a masked value out: where there are masks, a person looks at it. */
function plantedCode(facts: TextFacts): string | null {
  const command = facts.commands.find((word) => CODE_COMMANDS.includes(word));
  return command === undefined ? null : `${command} makes code that later statements run unseen`;
}

/** SET and RESET of this session; `all` stands for RESET ALL, which only restores defaults. */
function sessionRefusals(facts: StatementFacts): Refusal[] {
  const session = facts.session;
  if (session?.type !== 'set' || session.name === 'all' || facts.commands.includes('SET TRANSACTION')) return [];
  const problem = settingProblem(session.name, session.value);
  return problem === null ? [] : [problem];
}

/** Writing a system catalog is ALTER ROLE, GRANT or SET in disguise. */
function catalogWrites(facts: StatementFacts): Refusal[] {
  // UPDATE of pg_settings is SET; a view over it would be another name for that.
  if (facts.commands.includes('CREATE VIEW') && facts.relations.some((relation) => relation.name === 'pg_settings'))
    return [{ why: 'a view over pg_settings could be updated to change settings', unless: 'unrestricted' }];
  const writes: readonly Effect[] = ['insert', 'update', 'delete', 'merge', 'truncate'];
  if (!writes.some((effect) => facts.effects.has(effect))) return [];
  const target = facts.relations.find((relation) => relation.access === 'write' && isSystemName(relation.schema, relation.name));
  return target === undefined ? [] : [{ why: `${target.name} is a system catalog`, unless: 'unrestricted' }];
}

function isSystemName(schema: string | null, name: string): boolean {
  if (schema !== null) return schema === 'pg_catalog' || schema === 'information_schema' || schema === 'pg_toast';
  return name.startsWith('pg_');
}

/** About how much a judged statement occupies besides its text. */
const STATEMENT_BYTES = 2_000;

export interface Judge {
  judge(text: string, context: JudgeContext): Judgement;
}

/**
 * A judge that remembers. The key is the exact text (literals change verdicts, so fingerprints are no key) with everything the verdict
 * depends on; verdicts of connections whose rules speak of hours are not kept. Bounded by bytes, the least recently used goes first.
 */
export function createJudge(options: { maxBytes: number }): Judge {
  const kept = new Map<string, { judgement: Judgement; bytes: number }>();
  let bytes = 0;
  return {
    judge(text, context) {
      if (context.policy.rules.some((rule) => rule.match.hours !== undefined)) return judge(text, context);
      const key = keyOf(text, context);
      const known = kept.get(key);
      if (known !== undefined) {
        kept.delete(key);
        kept.set(key, known);
        return known.judgement;
      }
      const judgement = judge(text, context);
      const size = (key.length + (judgement.forward?.text.length ?? 0)) * 4 + judgement.statements.length * STATEMENT_BYTES;
      if (size > options.maxBytes / 4) return judgement;
      kept.set(key, { judgement, bytes: size });
      bytes += size;
      for (const [oldest, entry] of kept) {
        if (bytes <= options.maxBytes) break;
        kept.delete(oldest);
        bytes -= entry.bytes;
      }
      return judgement;
    },
  };
}

function keyOf(text: string, context: JudgeContext): string {
  const { connection, policy, catalog, principal, searchPath } = context;
  const path = searchPath === undefined ? '' : (searchPath?.join(',') ?? '?');
  return [connection.id, policy.version, catalog.version, principal.id, [...principal.groups].sort().join(','), path, text].join('\0');
}
