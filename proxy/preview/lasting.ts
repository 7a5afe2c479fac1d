import type { HeldState, ParameterValue } from '../../db/schema/shapes';
import { functionByOid } from '../catalog/byOid';
import type { CatalogSnapshot, FunctionInfo, Relation } from '../catalog/types';
import { type Body, bodiesOf } from '../policy/bodies';
import { ADMIN, ADMIN_FORMS, ADVISORY_LOCK_FORM } from '../policy/builtins';
import { classify, reviewCalls } from '../policy/functions';
import { resolveNames } from '../policy/resolve';
import { factsOf } from '../sql/facts';
import type { ParsedStatement } from '../sql/parse';
import { child, list, type SqlNode, some, text } from '../sql/tree';
import type { Effect } from '../sql/types';

/** What the server says of the relations a statement reaches that the catalog snapshot does not have. */
export interface BehindRelations {
  /** Functions in defaults, constraints, row security policies, indexes and domains, by OID. */
  functions: readonly number[];
  /** Columns whose value comes from a sequence when none is given. */
  draws: readonly { oid: number; column: string }[];
  /** Row security policies that read a setting of the session. */
  settings: readonly string[];
}

/** Statements that have a plan, so that they can be prepared with the types of their parameters and measured while they run. */
const MEASURED: ReadonlySet<string> = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

/** Why an effect keeps a statement from being measured; null where a rollback undoes it and nothing else is in the way. */
const LASTING: Readonly<Record<Effect, string | null>> = {
  read: null,
  insert: null,
  update: null,
  delete: null,
  merge: null,
  lock: null,
  truncate: 'it takes whole tables away, under a lock that everybody would wait for',
  create: 'it defines objects, under locks that others would wait for',
  alter: 'it changes definitions, under locks that others would wait for',
  drop: 'it drops objects, under locks that others would wait for',
  grant: 'it changes rights and no rows',
  role: 'it changes roles and no rows',
  setting: 'it changes settings of its session',
  file: 'it reaches files, which a rollback does not undo',
  program: 'it runs a program, which a rollback does not undo',
  network: 'it reaches another server, where a rollback here undoes nothing',
  notify: 'it notifies, and changes no rows',
  admin: 'it acts on the server itself, which a rollback does not undo',
  transaction: 'it begins or ends a transaction',
  session: 'it acts on its session, beyond its transaction',
  opaque: null,
};

/** What it is to be measured, and where. */
export interface Candidate {
  statements: readonly ParsedStatement[];
  parameters: readonly ParameterValue[];
  catalog: CatalogSnapshot;
  searchPath: readonly string[] | null;
  state: HeldState | null;
}

/** Relations that a statement reaches, those behind views, and partitions, included. */
export function relationsReached({ statements, catalog, searchPath }: Candidate): Relation[] {
  const found = new Map<number, Relation>();
  for (const statement of statements) {
    const names = resolveNames(statement.node, factsOf(statement), catalog, searchPath);
    for (const relation of names.tables.flatMap((name) => named(name, catalog))) found.set(relation.oid, relation);
  }
  return [...found.values()];
}

const named = (dotted: string, catalog: CatalogSnapshot): readonly Relation[] => {
  const at = dotted.indexOf('.');
  return (catalog.relationsByName.get(dotted.slice(at + 1)) ?? []).filter(({ schema }) => schema === dotted.slice(0, at));
};

/**
 * Why a statement must not be run for a trial, in sentences; empty when rolling back undoes all that it does, and what it does on a side
 * connection is what it would do on its own. Pure. What cannot be told speaks against it.
 */
export function reasonsAgainst(candidate: Candidate, behind: BehindRelations): string[] {
  const [statement, ...others] = candidate.statements;
  if (statement === undefined) return ['it holds no statement'];
  if (others.length > 0) return [`it is ${others.length + 1} statements in one text; only one statement alone is measured`];
  const facts = factsOf(statement);
  if (!MEASURED.has(statement.node.tag) || child(statement.node, 'intoClause') !== null)
    return [`only SELECT, INSERT, UPDATE, DELETE and MERGE are measured, and this is ${facts.kind}${because(facts.effects)}`];
  const { catalog, searchPath } = candidate;
  const calls = reviewCalls(statement.node, catalog);
  const effects = new Set<Effect>([...facts.effects, ...calls.effects]);
  if (![...effects].some((effect) => WRITES.has(effect))) return ['it changes no rows: there is nothing to measure'];
  const resolved = resolveNames(statement.node, facts, catalog, searchPath);
  const relations = relationsReached(candidate);
  // What is only read sets nothing off.
  const uses = (access: string) => new Set(resolved.relations.flatMap((use) => (use.access === access ? [use.name] : [])));
  const [reads, writes] = [uses('read'), uses('write')];
  const written = relations.filter(({ schema, name }) => writes.has(`${schema}.${name}`) || !reads.has(`${schema}.${name}`));
  const bodies = bodiesBehind({ root: statement.node, relations: written, functions: resolved.functions, behind, catalog });
  return [
    ...facts.unknown.map((name) => `it uses ${name}, which Gatehouse does not know`),
    ...[...effects].flatMap((effect) => LASTING[effect] ?? []),
    ...[...calls.opaque.map(({ why }) => why), ...resolved.opaque].map((why) => `its effects cannot be known: ${why}`),
    ...calls.refusals.map(({ why }) => why),
    ...facts.functions.flatMap(({ name }) => lastingCall(name)),
    ...facts.relations
      .filter(({ name }) => !catalog.relationsByName.has(name))
      .map(({ name }) => `${name} is not in the catalog: it may be a temporary table of its session`),
    ...relations
      .filter(({ kind }) => kind === 'f')
      .map((it) => `${it.schema}.${it.name} is a foreign table: a rollback here may undo nothing there`),
    ...bodies.flatMap((body) => [
      ...(body.opaque === null ? [] : [`its effects cannot be known: ${body.opaque}`]),
      ...lastingWords(body, catalog),
    ]),
    ...sequences(statement.node, effects, written, bodies, behind),
    ...candidate.parameters.flatMap(unknownParameter),
    ...sessionReasons(
      candidate.state,
      facts.functions.some(({ name }) => name === 'current_setting') || bodies.some((b) => b.words.has('current_setting')),
      behind,
    ),
  ].filter((reason, i, all) => all.indexOf(reason) === i);
}

const WRITES: ReadonlySet<Effect> = new Set(['insert', 'update', 'delete', 'merge', 'opaque']);

function because(effects: ReadonlySet<Effect>): string {
  const [why] = [...effects].flatMap((effect) => LASTING[effect] ?? []);
  return why === undefined ? '' : `: ${why}`;
}

interface Reached {
  root: SqlNode;
  relations: readonly Relation[];
  /** `schema.name` of functions that it may call. */
  functions: readonly string[];
  behind: BehindRelations;
  catalog: CatalogSnapshot;
}

/** Everything of the user's own that runs besides the statement: triggers and rules, functions in defaults, constraints and policies. */
function bodiesBehind({ root, relations, functions, behind, catalog }: Reached): Body[] {
  const oids = new Set<number>(behind.functions);
  for (const dotted of functions)
    for (const item of catalog.functions.get(dotted.slice(dotted.indexOf('.') + 1)) ?? [])
      if (isUsers(item) && dotted === `${item.schema}.${item.name}`) oids.add(item.oid);
  for (const relation of relations) {
    for (const trigger of relation.triggers) if (trigger.enabled) oids.add(trigger.functionOid);
    for (const rule of relation.rules) for (const oid of rule.functions) oids.add(oid);
  }
  some(root, (node) => {
    if (node.tag !== 'FuncCall') return false;
    const name = text(list(node, 'funcname').at(-1) ?? null, 'sval');
    for (const item of catalog.functions.get(name ?? '') ?? []) if (isUsers(item)) oids.add(item.oid);
    return false;
  });
  return [...oids].flatMap((oid) => {
    const item = functionByOid(catalog, oid);
    // A function in C may do anything; only those of PostgreSQL and of extensions that compute are known.
    if (item !== undefined && !isUsers(item) && classify(item.schema, item.name, catalog) !== 'pure') return [unreadable(item)];
    if (item !== undefined && isUsers(item) && (item.language === 'c' || item.language === 'internal')) return [unreadable(item)];
    return bodiesOf(oid, catalog);
  });
}

const unreadable = ({ schema, name, language }: FunctionInfo): Body => ({
  name: `${schema}.${name}`,
  words: new Set(),
  relations: [],
  events: [],
  opaque: `function ${schema}.${name}() in ${language} runs`,
});

const isUsers = (item: FunctionInfo) => item.schema !== 'pg_catalog' && item.schema !== 'information_schema' && item.extension === null;

/** Calls whose effect is there after a rollback. */
function lastingCall(name: string): string[] {
  if (name === 'nextval' || name === 'setval') return [`${name}() moves a sequence, which a rollback does not move back`];
  if (ADVISORY_LOCK_FORM.test(name)) return [`${name}() takes or gives back locks that others go by`];
  if (/^dblink/.test(name)) return [`${name}() reaches another server, where a rollback here undoes nothing`];
  return [];
}

/** The same of a body, by its words alone: a word in a comment counts. */
function lastingWords({ words }: Body, catalog: CatalogSnapshot): string[] {
  const found: string[] = [];
  for (const word of words) {
    const lasting = lastingCall(word);
    found.push(...lasting.map((why) => `code that it sets off: ${why}`));
    if (lasting.length > 0) continue;
    if (word === 'copy' || word === 'lo_put' || word === 'lo_from_bytea')
      found.push(`code that it sets off says ${word.toUpperCase()}, which may reach files`);
    const others = (catalog.functions.get(word) ?? []).filter((item) => !isUsers(item));
    if (others.length === 0) continue;
    if (ADMIN.has(word) || ADMIN_FORMS.some((form) => form.test(word)))
      found.push(`code that it sets off: ${word}() acts on the server itself, which a rollback does not undo`);
    else if (others.some((item) => item.extension !== null) && classify(null, word, catalog) === 'opaque')
      found.push(`code that it sets off: ${word}() is an extension's, and its effects cannot be known`);
  }
  return found;
}

/** Numbers drawn from a sequence are gone: identity and serial columns that are not given a value. */
function sequences(
  root: SqlNode,
  effects: ReadonlySet<Effect>,
  relations: readonly Relation[],
  bodies: readonly Body[],
  { draws }: BehindRelations,
): string[] {
  const inserts = effects.has('insert') || effects.has('merge');
  const defaults = some(root, (node) => node.tag === 'SetToDefault');
  const byCode = bodies.flatMap((body) => (body.events.includes('insert') ? body.relations : []));
  const given = new Set(list(root, 'cols').flatMap((column) => text(column, 'name') ?? []));
  // INSERT names its columns only for its own target; what other inserts of the statement leave out is not looked at.
  const ownTarget = root.tag === 'InsertStmt' && !defaults && !some(root, (node) => node !== root && WRITING.has(node.tag));
  const target = text(child(root, 'relation'), 'relname');
  return draws.flatMap(({ oid, column }) => {
    const relation = relations.find((item) => item.oid === oid);
    if (relation === undefined) return [];
    const coded = byCode.some((item) => item.oid === oid);
    const asked = (inserts && !(ownTarget && given.has(column) && (relation.name === target || relation.parents.length > 0))) || defaults;
    if (!coded && !asked) return [];
    return [`${relation.schema}.${relation.name}.${column} draws its number from a sequence, which a rollback does not give back`];
  });
}

const WRITING: ReadonlySet<string> = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

const BYTEA = 17;

/** The request has parameters as a person reads them; one that is not all there cannot be bound again. */
function unknownParameter({ value, truncated, typeOid }: ParameterValue, i: number): string[] {
  if (truncated === true) return [`parameter $${i + 1} is too long to be kept with the request`];
  if (value?.startsWith('\\x') && typeOid !== BYTEA) return [`parameter $${i + 1} is binary, of a type Gatehouse has no text form for`];
  if (value?.includes('\ufffd') || value?.includes('\0')) return [`parameter $${i + 1} is not valid text`];
  return [];
}

function sessionReasons(state: HeldState | null, readsSettings: boolean, behind: BehindRelations): string[] {
  if (state === null || state.settings === null)
    return ['what its session has set is not known, so that names in it may mean something else'];
  if (!state.asked) return [];
  const why = 'reads a setting of its session, which a side connection does not have';
  return [
    ...(readsSettings ? [`it, or code that it sets off, ${why}`] : []),
    ...behind.settings.map((policy) => `row security policy ${policy} ${why}`),
  ];
}
