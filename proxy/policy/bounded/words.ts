import type { Relation } from '../../catalog/types';
import { child, type SqlNode, some, text } from '../../sql/tree';
import type { UnboundedWrite } from '../../sql/types';
import { isPinned, type Pins } from './pins';
import type { Source } from './source';

/** What the words are about: a write whose target is not pinned. */
export interface About {
  command: UnboundedWrite['command'];
  relation: Relation;
  source: Source;
  pins: Pins;
  /** Tables that inherit from it and are written with it. */
  below: readonly Relation[];
}

export function dotted({ schema, name }: { schema: string | null; name: string }): string {
  return schema === null ? name : `${schema}.${name}`;
}

/** What to pin, in words that begin in lower case: `pin products.id or products.sku to constants or parameters`. */
export function adviceFor(node: SqlNode, about: About): string {
  const what = `nothing bounds the rows that ${about.command} changes in ${dotted(about.relation)}`;
  if (about.command === 'INSERT')
    return `ON CONFLICT DO UPDATE may change as many rows of ${dotted(about.relation)} as its SELECT gives: use VALUES or a constant LIMIT`;
  if (isBySource(node)) return `${what}: WHEN NOT MATCHED BY SOURCE reaches every row; ${pinAdvice(about)}`;
  const cursor = child(node, 'whereClause')?.tag === 'CurrentOfExpr' ? ': WHERE CURRENT OF does not say which' : '';
  return `${what}${cursor}: ${pinAdvice(about)}`;
}

export function indexAdviceFor(about: About): string {
  const what = `nothing bounds the rows that ${about.command} changes in ${dotted(about.relation)}`;
  const columns = about.source.indexed.map((column) => qualified(about, column));
  return columns.length === 0 ? `${what}: it has no index` : `${what}: pin ${either(columns)} to constants or parameters`;
}

function pinAdvice(about: About): string {
  const { source, relation, pins } = about;
  const parts = source.parts.filter((keys) => !keys.some((key) => key.every((name) => isPinned(0, name, pins))));
  const keys = (parts[0] ?? []).filter((key) => key.join() !== 'ctid');
  if (keys.length === 0) return relation.kind === 'v' ? 'no unique key shows through it' : 'it has no unique key';
  const left = keys.map((key) => key.filter((name) => !isPinned(0, name, pins)));
  const missing = left
    .filter((key, i) => !left.some((other, j) => isLess(other, key) || (j < i && other.join() === key.join())))
    .sort((a, b) => a.length - b.length);
  return `pin ${either(missing.slice(0, MAX_NAMED).map((key) => key.map((name) => qualified(about, name)).join(' and ')))} to constants or parameters`;
}

const isLess = (a: readonly string[], b: readonly string[]): boolean => a.length < b.length && a.every((name) => b.includes(name));

/** More keys than a person wants to read about. */
const MAX_NAMED = 4;

function qualified({ relation }: About, column: string): string {
  return `${relation.name}.${column}`;
}

function either(options: readonly string[]): string {
  return options.length < 2 ? options.join('') : `${options.slice(0, -1).join(', ')} or ${options.at(-1) ?? ''}`;
}

function isBySource(node: SqlNode): boolean {
  return node.tag === 'MergeStmt' && some(node, (item) => text(item, 'matchKind') === 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE');
}
