import { GRAMMAR } from './grammar';

/**
 * A node of the parse tree in one uniform shape: its kind as `tag`, its fields beside it. The empty node that the grammar uses as a
 * placeholder (plain DISTINCT) has the tag `Null`.
 */
export interface SqlNode {
  readonly tag: string;
  readonly [field: string]: SqlValue;
}
export type SqlValue = string | number | boolean | SqlNode | readonly SqlNode[] | undefined;

export interface Tree {
  root: SqlNode;
  /** Node kinds and fields that the grammar table does not know. */
  unknown: readonly string[];
}

type FieldShape = { list: boolean; kind: string | null };

const SHAPES: ReadonlyMap<string, ReadonlyMap<string, FieldShape>> = new Map(
  Object.entries(GRAMMAR).map(([tag, fields]) => [tag, new Map(fields.split(' ').filter(Boolean).map(fieldShape))]),
);

function fieldShape(field: string): [string, FieldShape] {
  const list = field.endsWith('*');
  const [name = '', kind] = (list ? field.slice(0, -1) : field).split('=');
  return [name, { list, kind: kind ?? null }];
}

/** Turns libpg-query's JSON into a uniform tree and notes everything it does not know. Throws RangeError when nested too deeply. */
export function toTree(tagged: unknown): Tree {
  const unknown = new Unknown();
  return { root: taggedNode(tagged, unknown), unknown: [...unknown] };
}

/** An INSERT of a megabyte has about half as many nodes. */
const MAX_NODES = 1_000_000;

class Unknown extends Set<string> {
  private nodes = 0;

  /** @throws RangeError for a tree that would take seconds to walk. */
  count(): void {
    if (++this.nodes > MAX_NODES) throw new RangeError('too many nodes');
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function taggedNode(value: unknown, unknown: Unknown): SqlNode {
  if (!isObject(value)) {
    unknown.add(typeof value);
    return { tag: 'Null' };
  }
  for (const tag in value) return bareNode(tag, value[tag], unknown);
  return { tag: 'Null' };
}

function bareNode(tag: string, value: unknown, unknown: Unknown): SqlNode {
  unknown.count();
  const shapes = SHAPES.get(tag);
  if (shapes === undefined) unknown.add(tag);
  const node: { tag: string; [field: string]: SqlValue } = { tag };
  if (!isObject(value)) return node;
  for (const name in value) {
    const field = value[name];
    if (typeof field === 'string' || typeof field === 'number' || typeof field === 'boolean') {
      node[name] = field;
      continue;
    }
    const shape = shapes?.get(name);
    if (shape === undefined) {
      unknown.add(`${tag}.${name}`);
      continue;
    }
    if (shape.list !== Array.isArray(field)) unknown.add(`${tag}.${name}`);
    const kind = shape.kind;
    const one = (item: unknown) => (kind === null ? taggedNode(item, unknown) : bareNode(kind, item, unknown));
    node[name] = Array.isArray(field) ? field.map(one) : one(field);
  }
  return node;
}

function isNode(value: SqlValue): value is SqlNode {
  return typeof value === 'object' && !Array.isArray(value);
}

/** The node in a field, or null. */
export function child(node: SqlNode | null, field: string): SqlNode | null {
  const value = node?.[field];
  return isNode(value) ? value : null;
}

/** The nodes in a list field; empty when the field is absent. */
export function list(node: SqlNode | null, field: string): readonly SqlNode[] {
  const value = node?.[field];
  return Array.isArray(value) ? value : [];
}

export function text(node: SqlNode | null, field: string): string | null {
  const value = node?.[field];
  return typeof value === 'string' ? value : null;
}

export function flag(node: SqlNode | null, field: string): boolean {
  return node?.[field] === true;
}

export function number(node: SqlNode | null, field: string): number | null {
  const value = node?.[field];
  return typeof value === 'number' ? value : null;
}

/** The strings of a list of String nodes: a qualified name, an operator. Other nodes are left out. */
export function names(nodes: readonly SqlNode[]): string[] {
  return nodes.flatMap((node) => (node.tag === 'String' ? [text(node, 'sval') ?? ''] : []));
}

/** Every direct child, in field order. */
export function childrenOf(node: SqlNode): SqlNode[] {
  const all: SqlNode[] = [];
  for (const name in node) {
    const value = node[name];
    if (typeof value !== 'object') continue;
    if (isNode(value)) all.push(value);
    else for (const item of value) all.push(item);
  }
  return all;
}

/** Visits a node and everything below it, parents first. A visitor that returns false keeps the walk out of that node's children. */
export function walk(node: SqlNode, visit: (node: SqlNode) => boolean | undefined | void): void {
  if (visit(node) === false) return;
  for (const item of childrenOf(node)) walk(item, visit);
}

/** Whether any node at or below this one satisfies the test. */
export function some(node: SqlNode, test: (node: SqlNode) => boolean): boolean {
  return test(node) || childrenOf(node).some((item) => some(item, test));
}
