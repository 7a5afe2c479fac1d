import type { CatalogSnapshot } from '../../catalog/types';
import { UnresolvedError } from '../../lineage/scope';
import { lineageOf, type StatementLineage } from '../../lineage/statement';
import { type ParsedStatement, parseStatements, SqlSyntaxError } from '../../sql/parse';
import type { TextFacts } from '../../sql/types';
import type { MaskIndex } from '../columns';
import { maskedIn, outputMask } from '../exposure';
import { touchOf } from '../touch';
import type { Touch } from '../types';
import { type Obstacle, rewrite } from './rewrite';
import { type Edit, splice } from './splice';

export interface MaskedReading {
  touch: Touch;
  /** Offsets of the whole text; empty when the statement goes as it came. */
  edits: readonly Edit[];
  /** Masked columns that its output shows, as expressions of the server: `schema.table.column`. */
  columns: readonly string[];
  /** Empty when the statement goes as it came; else which masks are in it. */
  reads: string;
}

export interface ReadingContext {
  whole: string;
  facts: TextFacts;
  masks: MaskIndex;
  catalog: CatalogSnapshot;
  searchPath: readonly string[] | null;
}

export const asItIs = (touch: Touch): MaskedReading => ({ touch, edits: [], columns: [], reads: '' });

/**
 * Masked semantics: what a statement that touches masked columns is when every operator is to see those with `inference: masked` as their
 * masks make them. Relations that have such columns are replaced by sub-selects, and the statement is judged anew as rewritten; columns of
 * other inference keep what is theirs. Where a relation cannot be replaced, reading such a column of it is refused. Pure.
 * @param touch how the statement meets masked columns as it came
 */
export function readMasked(parsed: ParsedStatement, touch: Touch, context: ReadingContext): MaskedReading {
  const unchanged = asItIs(touch);
  const { masks } = context;
  if (touch.state === 'clean' || !masks.all.some((mask) => mask.inference === 'masked')) return unchanged;
  const { whole } = context;
  const start = parsed.location;
  const rewriting = rewrite({ node: parsed.node, whole, start, end: start + parsed.text.length }, context);
  if (rewriting === null) return unchanged;
  const why = becauseOf(rewriting.obstacles);
  if (rewriting.edits.length === 0) return { ...unchanged, touch: settled(touch, why) };

  const shadow = shadowOf(parsed, rewriting.shadow);
  const refuse = (reason: string): MaskedReading => ({
    ...unchanged,
    touch: { state: 'unresolved', reason, columns: touch.columns },
  });
  if (shadow === null) return refuse('the statement cannot be rewritten to read masked values');
  const rewritten = settled(touchOf(shadow, context.facts, masks, context.catalog, context.searchPath, true), why);
  if (rewritten.state !== 'resolved') return { ...unchanged, touch: rewritten };
  const original = originalLineage(parsed, context);
  const spoiled = spoiledColumn(original, context);
  if (spoiled !== null) return refuse(spoiled);
  const columns = original === null ? touch.columns : shownBy(original, masks);
  const all = [...new Set([...rewritten.columns, ...columns])].sort();
  return { touch: { ...rewritten, columns: all }, edits: rewriting.edits, columns, reads: rewriting.reads };
}

/** The statement alone, as its shadow; null when it does not parse, which it should. */
function shadowOf(parsed: ParsedStatement, edits: readonly Edit[]): ParsedStatement | null {
  const own = edits.map((edit) => ({ ...edit, start: edit.start - parsed.location, end: edit.end - parsed.location }));
  try {
    const statements = parseStatements(splice(parsed.text, own).text);
    return statements.length === 1 ? (statements[0] ?? null) : null;
  } catch (error) {
    if (error instanceof SqlSyntaxError || error instanceof RangeError) return null;
    throw error;
  }
}

const becauseOf = (obstacles: readonly Obstacle[]): string | null => {
  const [first] = obstacles;
  return first === undefined ? null : `${first.relation} cannot be read masked here: ${first.why}`;
};

/** What is left of columns with `inference: masked` is read as it is stored: not even an output of it is what the statement asked for. */
function settled(touch: Touch, why: string | null): Touch {
  if (touch.state === 'clean' || why === null) return touch;
  if (touch.state === 'unresolved') return { ...touch, reason: `${touch.reason}. ${why}` };
  const left = touch.outputs?.find((output) => output.mask?.strictest.inference === 'masked')?.mask;
  if (left == null) return touch;
  return {
    state: 'unresolved',
    reason: `masked column ${left.columns[0]} would be read; inference is masked. ${why}`,
    columns: left.columns,
  };
}

function originalLineage(parsed: ParsedStatement, { catalog, searchPath }: ReadingContext): StatementLineage | null {
  try {
    return lineageOf(parsed.node, catalog, searchPath);
  } catch (error) {
    if (error instanceof UnresolvedError) return null;
    throw error;
  }
}

/** A column that is masked holds true values: what is written there must not be a mask. */
function spoiledColumn(lineage: StatementLineage | null, { facts, masks }: ReadingContext): string | null {
  const target = facts.relations.find((relation) => relation.access === 'write' && masks.taintedRelations.has(relation.name));
  if (lineage === null) return target === undefined ? null : `masked values might be stored in ${target.name}, in the place of true ones`;
  for (const { relation, relationName, column, value } of lineage.writes) {
    const [first] = maskedIn(value, masks.byOrigin).filter(({ mask }) => mask.inference === 'masked');
    if (first === undefined) continue;
    const attribute = relation?.columns.find(({ name }) => name === column);
    const holdsTrue =
      relation !== null &&
      (attribute === undefined ? masks.isTainted(relation.oid) : masks.byOrigin(relation.oid, attribute.number) !== null);
    if (holdsTrue)
      return `the mask of ${first.mask.column} would be stored in ${relationName}.${column ?? '*'}, in the place of a true value`;
  }
  return null;
}

function shownBy(lineage: StatementLineage, masks: MaskIndex): string[] {
  const shown = [...lineage.columns.map((column) => column.value), ...lineage.stored];
  return [...new Set(shown.flatMap((value) => outputMask(value, masks.byOrigin)?.columns ?? []))].sort();
}
