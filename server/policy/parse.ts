import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type ParsedNode, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import type { PolicyIssue } from '../errors';
import { pathText } from '../input';
import { documentSchema, type PolicyDocument } from './document';
import { expandReferences } from './environment';
import { checkReferences } from './references';

export type ParsedPolicy =
  | {
      ok: true;
      document: PolicyDocument;
      /** An issue at a field, for what only the store can tell. */
      issueAt(path: readonly PropertyKey[], message: string): PolicyIssue;
    }
  | { ok: false; issues: PolicyIssue[] };

/**
 * Reads a policy document: YAML, `${NAME}` from `env`, fields, then references. Reports every error of the first stage that has any (of YAML itself, the first),
 * each with line and column (from 1) and field. Pure.
 */
export function parsePolicy(text: string, env: Readonly<Record<string, string | undefined>>): ParsedPolicy {
  const lines = new LineCounter();
  const source = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true });
  const at = (offset: number, path: string, message: string): PolicyIssue => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1), path, message };
  };

  // One slip in YAML makes the parser stumble over all that follows; only the first place says something.
  const [slip] = [...source.errors].sort((a, b) => a.pos[0] - b.pos[0]);
  if (slip !== undefined) return { ok: false, issues: [at(slip.pos[0], '', slip.message)] };
  const missing = expandScalars(source, env, at);
  if (missing.length > 0) return { ok: false, issues: missing };

  let value: unknown;
  try {
    value = source.toJS({ maxAliasCount: 100 }) ?? {};
  } catch {
    return { ok: false, issues: [at(0, '', 'the document repeats itself through aliases too often')] };
  }
  const locate = (path: readonly PropertyKey[], part: 'key' | 'value') => offsetOf(source, path, part);
  const parsed = documentSchema.safeParse(value);
  if (!parsed.success) return { ok: false, issues: parsed.error.issues.flatMap((issue) => describe(issue, locate, at)) };
  const broken = checkReferences(parsed.data);
  const issueAt = (path: readonly PropertyKey[], message: string) => at(locate(path, 'value'), pathText(path), message);
  if (broken.length > 0) return { ok: false, issues: broken.map(({ path, message }) => issueAt(path, message)) };
  return { ok: true, document: parsed.data, issueAt };
}

type At = (offset: number, path: string, message: string) => PolicyIssue;
type Locate = (path: readonly PropertyKey[], part: 'key' | 'value') => number;

function expandScalars(source: Document.Parsed, env: Readonly<Record<string, string | undefined>>, at: At): PolicyIssue[] {
  const issues: PolicyIssue[] = [];
  visit(source, {
    Scalar(key, node, path) {
      if (key === 'key' || typeof node.value !== 'string') return;
      const { text, missing } = expandReferences(node.value, env);
      node.value = text;
      for (const name of missing) issues.push(at(node.range?.[0] ?? 0, scalarPath(path), `\${${name}} is not set in the environment`));
    },
  });
  return issues;
}

/** The field a visited scalar is the value of, from the keys of the pairs above it. */
const scalarPath = (ancestors: readonly unknown[]): string =>
  ancestors
    .map((node) => (typeof node === 'object' && node !== null && 'key' in node && isScalar(node.key) ? String(node.key.value) : ''))
    .filter((part) => part !== '')
    .join('.');

function describe(issue: z.core.$ZodIssue, locate: Locate, at: At): PolicyIssue[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const path = [...issue.path, key];
        return at(locate(path, 'key'), pathText(path), `unknown field ${key}`);
      });
    case 'invalid_type':
      if (issue.input === undefined && issue.message.includes('received undefined'))
        return [at(locate(issue.path, 'value'), pathText(issue.path), 'is missing')];
      return [at(locate(issue.path, 'value'), pathText(issue.path), issue.message)];
    default:
      return [at(locate(issue.path, 'value'), pathText(issue.path), issue.message)];
  }
}

/** Where a field stands; where it is missing, the nearest enclosing thing that exists. */
function offsetOf(source: Document.Parsed, path: readonly PropertyKey[], part: 'key' | 'value'): number {
  let node: Node | ParsedNode | null = source.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(source) ?? null;
    if (isSeq(node)) {
      node = (node.items[Number(step)] as Node | undefined) ?? null;
    } else if (isMap(node)) {
      const pair: { key: unknown; value: unknown } | undefined = node.items.find((item) => isScalar(item.key) && item.key.value === step);
      if (pair === undefined) return offset;
      if (part === 'key' && depth === path.length - 1 && isScalar(pair.key)) return pair.key.range?.[0] ?? offset;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = (pair.value as Node | null) ?? null;
    } else return offset;
    offset = node?.range?.[0] ?? offset;
  }
  return offset;
}
