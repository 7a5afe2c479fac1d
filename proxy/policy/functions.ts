import { functionByOid } from '../catalog/byOid';
import type { CatalogSnapshot, FunctionInfo } from '../catalog/types';
import { bodyOf } from '../lineage/body';
import { SECRET_CATALOGS } from '../masking/sensitive';
import { factsOf } from '../sql/facts';
import { constantText, qualifiedName } from '../sql/session';
import { child, list, names, type SqlNode, text, walk } from '../sql/tree';
import type { Effect, FunctionName } from '../sql/types';
import {
  ADMIN,
  ADMIN_FORMS,
  ADVISORY_LOCK_FORM,
  CONSTANT_ARGUMENTS,
  COUNTER_FORM,
  FILE_FORM,
  isTrustedOperator,
  NETWORK_EXTENSIONS,
  READS_BY_TEXT,
  SAFE,
  SAFE_FORMS,
  TRUSTED_EXTENSIONS,
  TRUSTED_WHEN_IMMUTABLE,
} from './builtins';
import { settingProblem } from './settings';

export type FunctionClass = 'pure' | 'constant-arguments' | 'setting' | 'opaque' | 'admin';

/**
 * Why a statement cannot be let through as it is, and what lets it through all the same: nothing; a policy that restricts nothing;
 * that, or a rule that allows the function or relation by name.
 */
export interface Refusal extends Named {
  why: string;
  unless: 'never' | 'unrestricted' | 'named';
}

/** A construct whose effect cannot be known. */
export interface Opaque extends Named {
  why: string;
}

/** What a rule has to name to answer for a construct, each as `schema.name`; a construct without any has no name. */
export interface Named {
  functions?: readonly string[];
  relations?: readonly string[];
}

/** What calls, operators and casts add to a statement's facts once the catalog is known. */
export interface CallReview {
  opaque: readonly Opaque[];
  refusals: readonly Refusal[];
  effects: ReadonlySet<Effect>;
}

/** Reviews every function, operator and cast of a statement by name: PostgreSQL picks overloads by type, so all candidates count. */
export function reviewCalls(root: SqlNode, catalog: CatalogSnapshot): CallReview {
  const review = new Review(catalog);
  const columns = columnsInScope(root, catalog);
  walk(root, (node) => review.node(node, columns));
  return { opaque: [...review.opaque.values()], refusals: review.refusals, effects: review.effects };
}

/** Every function that a name may mean, as `schema.name`; a name the catalog does not have is looked for among PostgreSQL's own. */
export function functionNames({ schema, name }: FunctionName, catalog: CatalogSnapshot): readonly string[] {
  if (schema !== null) return [`${schema}.${name}`];
  const schemas = new Set((catalog.functions.get(name) ?? []).map((item) => item.schema));
  return schemas.size === 0 ? [`pg_catalog.${name}`] : [...schemas].map((at) => `${at}.${name}`);
}

/** The class of a function name over all its candidates. Unknown names are opaque, and so is user-defined code that cannot be followed. */
export function classify(schema: string | null, name: string, catalog: CatalogSnapshot): FunctionClass {
  const candidates = (catalog.functions.get(name) ?? []).filter((item) => schema === null || item.schema === schema);
  const known = (item: FunctionInfo) =>
    isBuiltin(item) || isTrusted(item.extension) || isTrustedHere(item) || (item.extension === null && onlyReads(item, catalog));
  if (candidates.length === 0 || !candidates.every(known)) return 'opaque';
  const builtins = candidates.filter(isBuiltin);
  if (builtins.length === 0) return 'pure';
  if (ADMIN.has(name) || ADMIN_FORMS.some((form) => form.test(name))) return 'admin';
  if (READS_BY_TEXT.has(name)) return 'opaque';
  if (name === 'set_config') return 'setting';
  if (CONSTANT_ARGUMENTS.has(name)) return 'constant-arguments';
  if (SAFE.has(name) || COUNTER_FORM.test(name) || SAFE_FORMS.some((form) => form.test(name))) return 'pure';
  return builtins.every((item) => item.volatility === 'immutable') ? 'pure' : 'opaque';
}

const reading = new WeakMap<CatalogSnapshot, Map<FunctionInfo, boolean>>();

/**
 * A function in SQL whose statements only read, and call nothing that does more. What it reads is followed where it is called: by the
 * rules about tables, and by the lineage of its result.
 */
function onlyReads(item: FunctionInfo, catalog: CatalogSnapshot): boolean {
  const known = reading.get(catalog) ?? new Map<FunctionInfo, boolean>();
  reading.set(catalog, known);
  const before = known.get(item);
  if (before !== undefined) return before;
  // One that calls itself is not followed.
  known.set(item, false);
  const reads = bodyOf(item)?.every((statement) => {
    const { effects, complete, unknown } = factsOf(statement);
    if (!complete || unknown.length > 0 || [...effects].some((effect) => effect !== 'read')) return false;
    const calls = reviewCalls(statement.node, catalog);
    return calls.opaque.length === 0 && calls.refusals.length === 0 && calls.effects.size === 0;
  });
  known.set(item, reads ?? false);
  return reads ?? false;
}

function isBuiltin(item: FunctionInfo): boolean {
  return item.schema === 'pg_catalog' || item.schema === 'information_schema';
}

function isTrustedHere(item: FunctionInfo): boolean {
  return item.extension !== null && TRUSTED_WHEN_IMMUTABLE.has(item.extension) && item.volatility === 'immutable';
}

function isTrusted(extension: string | null): boolean {
  return extension !== null && TRUSTED_EXTENSIONS.has(extension);
}

class Review {
  readonly opaque = new Map<string, Opaque>();
  readonly refusals: Refusal[] = [];
  readonly effects = new Set<Effect>();
  private readonly operators: ReadonlySet<string>;
  private readonly casts: ReadonlySet<string>;

  constructor(private readonly catalog: CatalogSnapshot) {
    this.operators = new Set(catalog.operators.filter((item) => !isTrustedOperator(item.extension)).map((item) => item.name));
    this.casts = new Set(catalog.casts.filter((item) => !isTrustedOperator(item.extension)).map((item) => item.target));
  }

  node(node: SqlNode, columns: ReadonlySet<string>): void {
    switch (node.tag) {
      case 'FuncCall':
        return this.call(node);
      case 'A_Expr':
        return this.operator(list(node, 'name'));
      case 'SubLink':
        return this.operator(list(node, 'operName'));
      case 'SortBy':
        return this.operator(list(node, 'useOp'));
      case 'TypeCast':
        return this.cast(child(node, 'typeName'));
      case 'RangeTableSample': {
        const { name } = qualifiedName(list(node, 'method'));
        if (name !== 'bernoulli' && name !== 'system') this.unknown(`sampling method ${name}`);
        return;
      }
      case 'ColumnRef':
        return this.attribute(node, columns);
      case 'RangeVar':
        return this.relation(node);
      case 'DoStmt':
        return this.unknown('DO runs code');
      case 'CallStmt':
        return this.unknown('CALL runs a procedure', this.called(child(node, 'funccall')));
      default:
    }
  }

  private unknown(why: string, named: Named = {}): void {
    this.opaque.set(why, { why, ...named });
    this.effects.add('opaque');
  }

  private call(node: SqlNode): void {
    const { schema, name } = qualifiedName(list(node, 'funcname'));
    const shown = `function ${schema === null ? '' : `${schema}.`}${name}()`;
    const named = { functions: functionNames({ schema, name }, this.catalog) };
    switch (classify(schema, name, this.catalog)) {
      case 'pure':
        if (name === 'nextval') this.effects.add('update');
        return;
      case 'constant-arguments':
        this.effects.add(effectOf(name));
        if (ADVISORY_LOCK_FORM.test(name)) this.effects.add('lock');
        if (!list(node, 'args').every(isConstantArgument)) this.unknown(`${shown} with an argument that is computed`, named);
        return;
      case 'setting':
        return this.setting(list(node, 'args'), shown);
      case 'admin':
        this.effects.add('admin');
        if (FILE_FORM.test(name)) this.effects.add('file');
        this.refusals.push({ why: `${shown} acts on the server itself`, unless: 'named', ...named });
        return;
      case 'opaque':
        if (reachesOut(name, this.catalog)) this.effects.add('network');
        return this.unknown(shown, named);
    }
  }

  private called(call: SqlNode | null): Named {
    return { functions: functionNames(qualifiedName(list(call, 'funcname')), this.catalog) };
  }

  private setting(args: readonly SqlNode[], shown: string): void {
    this.effects.add('setting');
    const [name, value] = args.map(constantText);
    if (typeof name !== 'string' || !args.every(isConstantArgument)) return this.unknown(`${shown} with an argument that is computed`);
    const problem = settingProblem(name, value ?? undefined);
    if (problem !== null) this.refusals.push(problem);
  }

  private operator(name: readonly SqlNode[]): void {
    const path = names(name);
    const operator = path.at(-1);
    if (operator === undefined || (path.length > 1 && path[0] === 'pg_catalog')) return;
    if (this.operators.has(operator)) this.unknown(`operator ${operator} is user-defined`);
  }

  private cast(type: SqlNode | null): void {
    const name = names(list(type, 'names')).at(-1);
    if (name === undefined) return;
    if (this.casts.has(name)) this.unknown(`the cast to ${name} is user-defined`);
    for (const oid of this.catalog.domainChecks.get(name) ?? []) {
      const item = functionByOid(this.catalog, oid);
      if (item === undefined || classify(item.schema, item.name, this.catalog) !== 'pure') this.unknown(`a CHECK of domain ${name}`);
    }
  }

  /** `row.f` calls f(row) when the row has no column f. */
  private attribute(node: SqlNode, columns: ReadonlySet<string>): void {
    const path = names(list(node, 'fields'));
    const name = path.at(-1);
    if (path.length < 2 || name === undefined || columns.has(name)) return;
    const candidates = this.catalog.functions.get(name) ?? [];
    if (candidates.some((item) => !isBuiltin(item) && !isTrusted(item.extension) && !isTrustedHere(item)))
      this.unknown(`function ${name}() in attribute notation`, { functions: functionNames({ schema: null, name }, this.catalog) });
  }

  private relation(node: SqlNode): void {
    const name = text(node, 'relname') ?? '';
    if (!SECRET_CATALOGS.has(name) || ![null, 'pg_catalog'].includes(text(node, 'schemaname'))) return;
    this.effects.add('admin');
    this.refusals.push({ why: `${name} holds credentials`, unless: 'named', relations: [`pg_catalog.${name}`] });
  }
}

/** Functions of extensions that speak to other servers. */
function reachesOut(name: string, catalog: CatalogSnapshot): boolean {
  return (catalog.functions.get(name) ?? []).some((item) => item.extension !== null && NETWORK_EXTENSIONS.has(item.extension));
}

/** What a function of CONSTANT_ARGUMENTS does. */
function effectOf(name: string): Effect {
  if (name === 'pg_notify') return 'notify';
  return name === 'setval' ? 'update' : 'session';
}

/** The columns of every relation the statement names: such a name is taken for the column it almost surely is. */
function columnsInScope(root: SqlNode, catalog: CatalogSnapshot): ReadonlySet<string> {
  const found = new Set<string>();
  walk(root, (node) => {
    if (node.tag !== 'RangeVar') return;
    for (const relation of catalog.relationsByName.get(text(node, 'relname') ?? '') ?? [])
      for (const column of relation.columns) found.add(column.name);
  });
  return found;
}

/** A constant or a parameter, through casts; SELECT set_config(…) with a parameter is settled by the caller. */
function isConstantArgument(node: SqlNode): boolean {
  if (node.tag === 'ParamRef' || node.tag === 'A_Const') return true;
  if (node.tag === 'NamedArgExpr' || node.tag === 'TypeCast') {
    const argument = child(node, 'arg');
    return argument !== null && isConstantArgument(argument);
  }
  return false;
}
