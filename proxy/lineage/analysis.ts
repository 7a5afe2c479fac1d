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

/** A computation whose failure or duration tells something of a value, whatever becomes of its result. */
export interface Hazard {
  value: Value;
  /** In words: `operator /`. */
  construct: string;
}

/** A value that goes into a column of a relation; `column` null for one that is not known. */
export interface Write {
  relation: Relation | null;
  relationName: string;
  column: string | null;
  value: Value;
}

/** Schemas in order; null when they are not known. */
export type SearchPath = readonly string[] | null;

/** A function whose body is being followed. */
export interface Frame {
  functionName: string;
  parameters: readonly ScopeColumn[];
  /** As {@link Analysis}'s own. */
  names: SearchPath;
  session: SearchPath;
}

/** About a second of work. */
const MAX_STEPS = 400_000;

/**
 * The analysis of one statement: what its queries read, and what they do with it. Holds no state but what it has found; the rules
 * themselves are functions of a node, its place and this.
 */
export class Analysis {
  readonly writes: Write[] = [];
  readonly hazards: Hazard[] = [];
  /** User-defined code that is called and not followed, in words: what else it reads is not known here. */
  readonly opaque = new Set<string>();
  /** User-defined functions whose bodies are being followed: one that meets itself again is not. */
  readonly following = new Set<number>();
  /** The statement's own, then those of each body as often as it is followed. */
  readonly #uses = [new Map<SqlNode, Use>()];
  readonly #frames: (Frame & { uses: Map<SqlNode, Use> })[] = [];
  #steps = 0;

  /**
   * @param names the schemas that unqualified names of the text are looked up in, null when they are not known
   * @param session the same for the texts of functions that it calls, which mean what the session's search_path says when they run
   */
  constructor(
    readonly catalog: CatalogSnapshot,
    private readonly names: SearchPath,
    private readonly session: SearchPath = names,
  ) {}

  get searchPath(): SearchPath {
    const frame = this.#frames.at(-1);
    return frame === undefined ? this.names : frame.names;
  }

  /** What a function that is called here looks its names up in, unless it has a path of its own. */
  get sessionPath(): SearchPath {
    const frame = this.#frames.at(-1);
    return frame === undefined ? this.session : frame.session;
  }

  /** @throws SqlTooComplexError instead of thinking for long */
  step(): void {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) throw new SqlTooComplexError();
  }

  use(node: SqlNode, value: Value, kind: UseKind, construct: string, { constants = 0, sides = [] }: UseDetails = {}): void {
    if (value.sources.size === 0) return;
    const uses = this.#frames.at(-1)?.uses ?? this.#uses[0];
    if (uses === undefined) return;
    const before = uses.get(node);
    if (before === undefined) uses.set(node, { value, kind, construct, constants, sides });
    else {
      const both = before.sides.length === sides.length ? sides.map((side, i) => either([side, before.sides[i] ?? side])) : [];
      const merged = before.kind === kind ? kind : 'other';
      uses.set(node, { value: either([before.value, value]), kind: merged, construct, constants, sides: both });
    }
  }

  /** A computation that may fail, take long or not happen at all, because of the value. */
  hazard(value: Value, construct: string): void {
    if (value.sources.size > 0) this.hazards.push({ value, construct });
  }

  uses(): Use[] {
    return this.#uses.flatMap((uses) => [...uses.values()]);
  }

  /** Whether it is an argument of the function whose body is being followed: the same for every row. */
  isArgument(value: Value): boolean {
    return this.#frames.at(-1)?.parameters.some((parameter) => parameter.value === value) ?? false;
  }

  /** `$n` of the function whose body is being followed; a statement's own parameters come from the client and carry nothing. */
  parameter(position: number): Value {
    return this.#frames.at(-1)?.parameters[position - 1]?.value ?? NONE;
  }

  /** An argument by its name, `function.argument` or `argument`, as a body may write it. */
  parameterNamed(path: readonly string[]): Value | null {
    const frame = this.#frames.at(-1);
    const name = path.at(-1);
    if (frame === undefined || name === undefined || path.length > 2) return null;
    if (path.length === 2 && path[0] !== frame.functionName) return null;
    return frame.parameters.find((parameter) => parameter.name === name)?.value ?? null;
  }

  withFrame<T>(frame: Frame, follow: () => T): T {
    const uses = new Map<SqlNode, Use>();
    this.#uses.push(uses);
    this.#frames.push({ ...frame, uses });
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
