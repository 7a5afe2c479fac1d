import type { CatalogSnapshot, Relation } from '../catalog/types';
import { SqlTooComplexError } from '../sql/parse';
import type { SqlNode } from '../sql/tree';
import type { Ctes, Scope, ScopeColumn } from './scope';
import { either, NONE, type Value } from './value';

/** How a column is used besides being put out: what decides which rows there are, how many, in what order. */
export type UseKind = 'equality' | 'join' | 'null test' | 'other';

export interface Use {
  value: Value;
  kind: UseKind;
  /** In words: `ORDER BY`, `operator <`. */
  construct: string;
  /** Constants an equality compares with. */
  constants: number;
  /** What a join compares with each other. */
  sides: readonly Value[];
}

/** What is known of a use besides its kind. */
export type UseDetails = Partial<Pick<Use, 'constants' | 'sides'>>;

/** A value that goes into a column of a relation; `column` null for one that is not known. */
export interface Write {
  relation: Relation | null;
  relationName: string;
  column: string | null;
  value: Value;
}

/** About a second of work. */
const MAX_STEPS = 400_000;

/**
 * The analysis of one statement: what its queries read, and what they do with it. Holds no state but what it has found; the rules
 * themselves are functions of a node, its place and this.
 */
export class Analysis {
  readonly uses = new Map<SqlNode, Use>();
  readonly writes: Write[] = [];
  /** User-defined functions whose bodies are being followed: one that meets itself again is not. */
  readonly following = new Set<number>();
  readonly #frames: { functionName: string; parameters: readonly ScopeColumn[] }[] = [];
  #steps = 0;

  /** Where unqualified names are looked up now, in order; empty when that is not known. */
  #path: readonly string[];
  readonly #bodyPath: readonly string[];

  /**
   * @param searchPath null when it is not known
   * @param bodyPath the one that bodies of functions run with, where it is another: a view's names are bound, those of the functions it
   *   calls are not
   */
  constructor(
    readonly catalog: CatalogSnapshot,
    searchPath: readonly string[] | null,
    bodyPath: readonly string[] | null = searchPath,
  ) {
    this.#path = withSystem(searchPath);
    this.#bodyPath = withSystem(bodyPath);
  }

  get lookupPath(): readonly string[] {
    return this.#path;
  }

  /** @throws SqlTooComplexError instead of thinking for long */
  step(): void {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) throw new SqlTooComplexError();
  }

  use(node: SqlNode, value: Value, kind: UseKind, construct: string, { constants = 0, sides = [] }: UseDetails = {}): void {
    if (value.sources.size === 0) return;
    const before = this.uses.get(node);
    if (before === undefined) this.uses.set(node, { value, kind, construct, constants, sides });
    else {
      const both = before.sides.length === sides.length ? sides.map((side, i) => either([side, before.sides[i] ?? side])) : [];
      const merged = before.kind === kind ? kind : 'other';
      this.uses.set(node, { value: either([before.value, value]), kind: merged, construct, constants, sides: both });
    }
  }

  /** `$n` of the function whose body is being followed; a statement's own parameters come from the client and carry nothing. */
  parameter(position: number): Value {
    return this.#frames.at(-1)?.parameters[position - 1]?.value ?? NONE;
  }

  /** `function.argument`, as a body may write it. */
  parameterNamed(functionName: string, name: string): Value | null {
    const frame = this.#frames.at(-1);
    return frame?.functionName === functionName ? (frame.parameters.find((parameter) => parameter.name === name)?.value ?? null) : null;
  }

  withParameters<T>(functionName: string, parameters: readonly ScopeColumn[], follow: () => T): T {
    const outer = this.#path;
    this.#frames.push({ functionName, parameters });
    this.#path = this.#bodyPath;
    try {
      return follow();
    } finally {
      this.#path = outer;
      this.#frames.pop();
    }
  }

  write(write: Write): void {
    if (write.value.sources.size > 0) this.writes.push(write);
  }
}

/** pg_catalog comes first unless the path says where. */
function withSystem(path: readonly string[] | null): readonly string[] {
  if (path === null) return [];
  return path.includes('pg_catalog') ? path : ['pg_catalog', ...path];
}

/** Where a node is looked at. */
export interface At {
  analysis: Analysis;
  scope: Scope;
  ctes: Ctes | null;
}
