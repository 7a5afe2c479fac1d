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
}

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

  /** @param searchPath null when the session's is not known */
  constructor(
    readonly catalog: CatalogSnapshot,
    readonly searchPath: readonly string[] | null,
  ) {}

  /** @throws SqlTooComplexError instead of thinking for long */
  step(): void {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) throw new SqlTooComplexError();
  }

  use(node: SqlNode, value: Value, kind: UseKind, construct: string, constants = 0): void {
    if (value.sources.size === 0) return;
    const before = this.uses.get(node);
    if (before === undefined) this.uses.set(node, { value, kind, construct, constants });
    else this.uses.set(node, { value: either([before.value, value]), kind: before.kind === kind ? kind : 'other', construct, constants });
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
    this.#frames.push({ functionName, parameters });
    try {
      return follow();
    } finally {
      this.#frames.pop();
    }
  }

  write(write: Write): void {
    if (write.value.sources.size > 0) this.writes.push(write);
  }
}

/** Where a node is looked at. */
export interface At {
  analysis: Analysis;
  scope: Scope;
  ctes: Ctes | null;
}
