import type { ApprovalSpec, RuleTrial } from '../../db/schema/shapes';

/** One approval that satisfies all: the most reviewers, out of groups that every rule names, within the shortest time, with a passkey where any asks for it. Null of none. Pure. */
export function strictestOf(specs: readonly ApprovalSpec[]): ApprovalSpec | null {
  const [first, ...rest] = specs;
  if (first === undefined || rest.length === 0) return first ?? null;
  const breakGlass = rest.reduce(
    (groups, spec) => groups.filter((group) => spec.breakGlass?.includes(group) === true),
    first.breakGlass ?? [],
  );
  return {
    groups: rest.reduce((groups, spec) => bothOf(groups, spec.groups), first.groups),
    count: Math.max(...specs.map(({ count }) => count)),
    expiresInMs: Math.min(...specs.map(({ expiresInMs }) => expiresInMs)),
    ...(breakGlass.length === 0 ? {} : { breakGlass }),
    ...(specs.some(({ dryRun }) => dryRun === true) ? { dryRun: true } : {}),
    ...(specs.some(({ passkey }) => passkey === 'required') ? { passkey: 'required' } : {}),
  };
}

/** An empty list is any reviewer. Where no group is in both, a name that no group can have: nobody may decide it, and it expires. */
function bothOf(a: string[], b: string[]): string[] {
  if (a.length === 0 || b.length === 0) return a.length === 0 ? b : a;
  const shared = a.filter((group) => b.includes(group));
  return shared.length > 0 ? shared : ['(no group is named by every rule)'];
}

/** Each rule once, as it matched where it matched any: a request is about all statements of its text. Pure. */
export function triedTogether(all: readonly (readonly RuleTrial[])[]): RuleTrial[] {
  const tried = new Map<string, RuleTrial>();
  for (const trial of all.flat()) if (trial.matched || !tried.has(trial.rule)) tried.set(trial.rule, trial);
  return [...tried.values()];
}

/** The names of the rules that hold what was tried, whichever of them speaks for it. Pure. */
export function holdingRules(tried: readonly RuleTrial[]): string[] {
  return tried.filter(({ matched, action, mode }) => matched && action === 'hold' && mode === 'enforce').map(({ rule }) => rule);
}
