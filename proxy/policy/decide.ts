import type { Action, ApprovalSpec, RuleTrial } from '../../db/schema/shapes';
import type { Touch } from '../masking/types';
import type { StatementFacts } from '../sql/types';
import { affectedLimitsOf, countability } from './affected';
import { confirmedFor, DEFAULT_APPROVAL } from './approval';
import type { Named, Opaque, Refusal } from './functions';
import { namesAll, tryRule } from './match';
import { isDriverSetup } from './setup';
import type { ConnectionPolicy, PolicySnapshot, Principal, Rule, Verdict } from './types';
import { isUnrestricted } from './unrestricted';

export interface DecisionInput {
  facts: StatementFacts;
  /** `schema.table` and `schema.table.column` of what the statement may name. */
  relations: readonly string[];
  columns: readonly string[];
  touch: Touch;
  /** `schema.name` of every function it may call. */
  functions: readonly string[];
  /** What of it cannot be known. */
  opaque: readonly Opaque[];
  /** What the analysis refuses whatever the rules say, and what only a rule that names it may allow. */
  refusals: readonly Refusal[];
  connection: ConnectionPolicy;
  principal: Principal;
  policy: Pick<PolicySnapshot, 'rules' | 'masking'>;
  now: Date;
}

const RANK: Readonly<Record<Action, number>> = { allow: 0, hold: 1, deny: 2 };

export function strictestAction(a: Action, b: Action): Action {
  return RANK[a] >= RANK[b] ? a : b;
}

type Decision = Omit<Verdict, 'tried'>;

/**
 * The verdict on one statement. Every rule is tried and kept for the explanation; of those that match and are enforced the strictest
 * decides (deny, hold, allow; among equals the first). What the analysis or masking refuses is denied whatever the rules say. A rule with
 * maxAffectedRows that denies or holds is a condition on the run: the others decide whether it may run, and it stands only within the limit.
 */
export function decide(input: DecisionInput): Verdict {
  const { connection, facts, touch } = input;
  const opaque = input.opaque.length > 0 || facts.effects.has('opaque');
  const subject = {
    facts,
    relations: input.relations,
    columns: input.columns,
    functions: input.functions,
    opaque,
    connection: connection.name,
    principal: input.principal,
    now: input.now,
  };
  const trials = input.policy.rules.map((rule) => ({ rule, trial: tryRule(rule, subject) }));
  const matched = trials.filter(({ rule, trial }) => trial.matched && rule.mode === 'enforce');
  const decision = first(
    () => incomplete(facts),
    () => refused(input, matched),
    () => masked(touch),
    () =>
      byRules(
        matched.filter(({ rule }) => !isCondition(rule, facts)),
        input,
        opaque,
      ),
  );
  const tried = trials.map(({ trial }) => trial);
  if (decision.action === 'deny') return { ...decision, tried };
  const affectedLimits = affectedLimitsOf(limiting(matched, decision.rule), facts);
  return affectedLimits.length === 0 ? { ...decision, tried } : { ...decision, affectedLimits, tried };
}

/** Rules that put a condition on the run: those that deny or hold above it, and the one that allows up to it. */
function limiting(matched: readonly Matched[], decidedBy: string | null): Rule[] {
  return matched.flatMap(({ rule }) => (rule.action !== 'allow' || rule.name === decidedBy ? [rule] : []));
}

function first(...steps: readonly [...(() => Decision | null)[], () => Decision]): Decision {
  for (const step of steps) {
    const decision = step();
    if (decision !== null) return decision;
  }
  throw new Error('the last step always decides');
}

function denied(decidedBy: Verdict['decidedBy'], why: string): Decision {
  return { action: 'deny', rule: null, decidedBy, why, approval: null };
}

function incomplete(facts: StatementFacts): Decision | null {
  return facts.complete ? null : denied('analysis', `this statement uses something Gatehouse does not know: ${facts.unknown.join(', ')}`);
}

function refused(input: DecisionInput, matched: readonly Matched[]): Decision | null {
  // What only observes restricts nothing.
  const unrestricted = isUnrestricted(enforced(input.policy), input.connection, input.principal);
  const refusal = input.refusals.find((item) => {
    if (item.unless === 'never') return true;
    return !unrestricted && !(item.unless === 'named' && matched.some(({ rule }) => answersFor(rule, item)));
  });
  return refusal === undefined ? null : denied('analysis', refusal.why);
}

/** A rule that names what is refused, or that it is about the server itself, and does not deny it. */
function answersFor(rule: Rule, { functions, relations }: Named): boolean {
  const { match, action } = rule;
  if (action === 'deny') return false;
  return match.effects?.includes('admin') === true || namesAll(match.functions, functions) || namesAll(match.tables, relations);
}

function enforced({ rules, masking }: DecisionInput['policy']): DecisionInput['policy'] {
  return { rules: rules.filter((rule) => rule.mode === 'enforce'), masking: masking.filter((rule) => rule.mode === 'enforce') };
}

function masked(touch: Touch): Decision | null {
  return touch.state === 'unresolved' ? denied('masking', touch.reason) : null;
}

type Matched = { rule: Rule; trial: RuleTrial };

/** It decides after the run, not before: the rows it speaks of can be counted. */
function isCondition(rule: Rule, facts: StatementFacts): boolean {
  return rule.match.maxAffectedRows !== undefined && rule.action !== 'allow' && countability(facts) === 'counted';
}

function byRules(matched: readonly Matched[], input: DecisionInput, opaque: boolean): Decision {
  const ruled = strictestRule(matched);
  const base = ruled ?? byDefault(input);
  if (!opaque || matched.some(({ rule }) => rule.match.opaque === true)) return base;
  // A rule that names one function does not speak for another that stands beside it.
  const left = input.opaque.filter(({ functions }) => !matched.some(({ rule }) => namesAll(rule.match.functions, functions)));
  if (left.length === 0 && input.opaque.length > 0) return base;
  const action = input.connection.opaque;
  const mild = action === 'hold' && base.approval?.at === 'commit';
  if (RANK[action] <= RANK[base.action] && !mild) return base;
  const why = `its effects cannot be known: ${left.map((item) => item.why).join('; ') || input.facts.kind}`;
  return {
    action,
    rule: null,
    decidedBy: 'opaque',
    why,
    approval: action === 'hold' ? confirmedFor(DEFAULT_APPROVAL, held(matched)) : null,
  };
}

function strictestRule(matched: readonly Matched[]): Decision | null {
  const [winner] = [...matched].sort(
    (a, b) =>
      RANK[b.rule.action] - RANK[a.rule.action] || holdsAtOnce(b.rule) - holdsAtOnce(a.rule) || approvals(b.rule) - approvals(a.rule),
  );
  if (winner === undefined) return null;
  const { rule, trial } = winner;
  const approval = rule.action === 'hold' ? confirmedFor(measuredFor(rule.approval ?? DEFAULT_APPROVAL, matched), held(matched)) : null;
  return { action: rule.action, rule: rule.name, decidedBy: 'rule', why: wordsOf(rule, trial), approval };
}

/** The rule's own message; what would bound an unbounded write is said besides. */
function wordsOf(rule: Rule, trial: RuleTrial): string {
  if (rule.message === null) return trial.why;
  return rule.match.unbounded === true ? `${rule.message.replace(/[.\s]+$/, '')}: ${trial.why}` : rule.message;
}

/** A dry run that any rule which holds it asks for is made. */
function measuredFor(approval: ApprovalSpec, matched: readonly Matched[]): ApprovalSpec {
  const asked = held(matched).some((spec) => spec?.dryRun === true);
  return asked ? { ...approval, dryRun: true } : approval;
}

/** What the rules that hold it ask for. */
const held = (matched: readonly Matched[]) => matched.flatMap(({ rule }) => (rule.action === 'hold' ? [rule.approval] : []));

/** A rule that lets a statement run and holds its COMMIT is the milder one. */
const holdsAtOnce = (rule: Rule): number => Number(rule.approval?.at !== 'commit');

function approvals(rule: Rule): number {
  return rule.action === 'hold' ? (rule.approval ?? DEFAULT_APPROVAL).count : 0;
}

function byDefault(input: DecisionInput): Decision {
  const action = isDriverSetup(input.facts) ? 'allow' : input.connection.default;
  const why =
    action === input.connection.default ? `no rule matches; connection ${input.connection.name} is set to ${action}` : 'session set-up';
  return { action, rule: null, decidedBy: 'default', why, approval: action === 'hold' ? DEFAULT_APPROVAL : null };
}
