import type { RE2JS } from 're2js';
import type { RuleTrial } from '../../db/schema/shapes';
import { matchesCommand } from '../sql/commands';
import type { StatementFacts } from '../sql/types';
import { countability } from './affected';
import { matchesGlob, matchesSegment } from './glob';
import { isWithinHours } from './hours';
import { normalised } from './normalised';
import { linearPattern } from './pattern';
import type { Principal, Rule } from './types';

/** What a rule looks at. */
export interface Subject {
  facts: StatementFacts;
  /** `schema.table` of every relation the statement may mean. */
  relations: readonly string[];
  /** `schema.name` of every function the statement may call. */
  functions: readonly string[];
  /** `schema.table.column` of every column the statement may mean. */
  columns: readonly string[];
  opaque: boolean;
  connection: string;
  principal: Pick<Principal, 'groups'>;
  now: Date;
}

/** Longer texts are not searched by patterns; length is no way round a rule that denies or holds. */
const MAX_PATTERN_TEXT = 100_000;

/** Tries one rule: whether it matches, and the condition that matched last or the first that did not, in words. Pure. */
export function tryRule(rule: Rule, subject: Subject): RuleTrial {
  const trial = (matched: boolean, why: string): RuleTrial => ({ rule: rule.name, mode: rule.mode, action: rule.action, matched, why });
  if (rule.mode === 'off') return trial(false, 'the rule is off');
  if (rule.connections.length > 0 && !rule.connections.some((name) => matchesSegment(name, subject.connection)))
    return trial(false, `not for connection ${subject.connection}`);
  if (rule.groups.length > 0 && !rule.groups.some((group) => group === '*' || subject.principal.groups.includes(group)))
    return trial(false, 'not for the groups of this principal');
  let why = 'applies to every statement';
  let told = false;
  for (const test of TESTS) {
    const result = test(rule, subject);
    if (result === null) continue;
    if (!result.matched) return trial(false, result.why);
    if (!told) why = result.why;
    told ||= result.telling === true;
  }
  return trial(true, why);
}

type Result = { matched: boolean; why: string; telling?: boolean } | null;
type Test = (rule: Rule, subject: Subject) => Result;

const found = (hit: string | undefined, yes: (hit: string) => string, no: string): Result =>
  hit === undefined ? { matched: false, why: no } : { matched: true, why: yes(hit) };

const statements: Test = ({ match }, { facts }) =>
  match.statements === undefined
    ? null
    : found(
        match.statements.find((pattern) => matchesCommand(pattern, facts.commands)),
        (pattern) => `the statement is ${pattern.toUpperCase()}`,
        `the statement is ${facts.commands.join(', ') || facts.kind}`,
      );

const effects: Test = ({ match }, { facts }) =>
  match.effects === undefined
    ? null
    : found(
        match.effects.find((effect) => [...facts.effects].some((own) => own === effect.toLowerCase())),
        (effect) => `its effects include ${effect}`,
        `its effects are ${[...facts.effects].join(', ')}`,
      );

const tables: Test = ({ match }, { relations }) =>
  match.tables === undefined ? null : found(anyGlob(match.tables, relations), (name) => `it names ${name}`, 'it names no such table');

const columns: Test = ({ match }, subject) =>
  match.columns === undefined
    ? null
    : found(anyGlob(match.columns, subject.columns), (name) => `it names ${name}`, 'it names no such column');

const functions: Test = ({ match }, subject) =>
  match.functions === undefined
    ? null
    : found(anyGlob(match.functions, subject.functions), (name) => `it calls ${name}()`, 'it calls no such function');

const fingerprints: Test = ({ match }, { facts }) =>
  match.fingerprints === undefined
    ? null
    : { matched: match.fingerprints.includes(facts.fingerprint), why: `its fingerprint is ${facts.fingerprint}` };

/** What would bound a write is what a person wants to read: it is the words of the whole rule. */
const unbounded: Test = ({ match }, { facts }) => {
  if (match.unbounded === undefined) return null;
  const writes = facts.unboundedWrites.flatMap((write) => (match.boundedBy === 'index' ? (write.indexAdvice ?? []) : write.advice));
  const matched = match.unbounded === writes.length > 0;
  if (writes.length > 0) return { matched, why: writes.join('; '), telling: true };
  return { matched, why: 'its conditions pin the rows it changes, or it changes none' };
};

const opaque: Test = ({ match }, subject) =>
  match.opaque === undefined
    ? null
    : { matched: match.opaque === subject.opaque, why: subject.opaque ? 'its effects cannot be known' : 'its effects are known' };

/** A pattern that could not be tried counts against the statement: a rule that denies or holds applies, one that allows does not. */
const untried = ({ action }: Rule, why: string): Result => ({ matched: action !== 'allow', why });

const sql: Test = (rule, { facts }) => {
  const source = rule.match.sql;
  if (source === undefined) return null;
  if (facts.text.length > MAX_PATTERN_TEXT) return untried(rule, 'the text is too long to be searched for the pattern');
  const pattern = compilePattern(source);
  if (pattern === null) return untried(rule, 'the pattern of the rule cannot be compiled');
  if (pattern.test(facts.text)) return { matched: true, why: 'the text matches the pattern' };
  // However it is spelled, a rule that denies or holds finds it; one that allows takes the text at its word.
  const forms = rule.action === 'allow' ? [] : spellings(facts);
  return forms.some((form) => pattern.test(form))
    ? { matched: true, why: 'the text matches the pattern, without its comments, quotes and spacing' }
    : { matched: false, why: 'the text does not match the pattern' };
};

const normal = new WeakMap<StatementFacts, readonly string[]>();

function spellings(facts: StatementFacts): readonly string[] {
  const known = normal.get(facts);
  if (known !== undefined) return known;
  const { spaced, tight } = normalised(facts.text);
  const forms = [spaced, tight];
  normal.set(facts, forms);
  return forms;
}

/** Rows are counted while the statement runs; here it is only asked whether it may change any. */
const affectedRows: Test = ({ match, mode }, { facts }) => {
  if (match.maxAffectedRows === undefined) return null;
  switch (countability(facts)) {
    case 'none':
      return { matched: false, why: 'it changes no rows' };
    case 'counted':
      // Counting holds the result back, which observing must not.
      if (mode !== 'enforce') return { matched: false, why: 'the rows it changes are counted only where the rule is enforced' };
      return { matched: true, why: `the rows it changes are counted: the rule applies above ${match.maxAffectedRows}` };
    case 'uncountable':
      return { matched: true, why: 'the rows it changes cannot be counted before they are gone for good' };
  }
};

const hours: Test = ({ match }, { now }) =>
  match.hours === undefined
    ? null
    : {
        matched: isWithinHours(match.hours, now),
        why: `the hours are ${match.hours.from} to ${match.hours.to} ${match.hours.timeZone ?? 'UTC'}`,
      };

const TESTS: readonly Test[] = [
  ...[statements, effects, tables, columns, functions, fingerprints, unbounded, opaque, sql, hours],
  affectedRows,
];

const patterns = new Map<string, RE2JS | null>();

function compilePattern(source: string): RE2JS | null {
  const known = patterns.get(source);
  if (known !== undefined) return known;
  let compiled: RE2JS | null = null;
  try {
    compiled = linearPattern(source);
  } catch {
    // Saved before patterns were checked; it is treated as one that could not be tried.
  }
  if (patterns.size > 1000) patterns.clear();
  patterns.set(source, compiled);
  return compiled;
}

/** Whether a rule names each of them: only then it answers for what they do. */
export function namesAll(globs: readonly string[] | undefined, dotted: readonly string[] | undefined): boolean {
  if (globs === undefined || dotted === undefined || dotted.length === 0) return false;
  return dotted.every((name) => anyGlob(globs, [name]) !== undefined);
}

/** A name that holds dots itself is tried with every way to split it, so quoting is no way round a glob. */
function anyGlob(globs: readonly string[], dotted: readonly string[]): string | undefined {
  return dotted.find((name) => globs.some((glob) => splits(name).some((path) => matchesGlob(glob, path))));
}

function splits(name: string): string[][] {
  const parts = name.split('.');
  if (parts.length <= 3) return [parts];
  return parts.slice(1).map((_, index) => [parts.slice(0, index + 1).join('.'), parts.slice(index + 1).join('.')]);
}
