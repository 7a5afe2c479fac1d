import { detectionFor, enforcesDetection } from '../masking/detect/rules';
import type { StatementFacts } from '../sql/types';
import type { Refusal } from './functions';
import type { ConnectionPolicy, PolicySnapshot, Principal } from './types';

/** COPY to the client is refused where a masking rule looks into content: its rows are no cells that could be looked into. */
export function copyOutRefusals(
  facts: StatementFacts,
  context: { policy: PolicySnapshot; connection: ConnectionPolicy; principal: Principal },
): Refusal[] {
  const { commands } = facts;
  if (!commands.includes('COPY TO') || commands.includes('COPY FILE') || commands.includes('COPY PROGRAM')) return [];
  const rules = detectionFor({ ...context, masking: context.policy.masking });
  if (!enforcesDetection(rules)) return [];
  const names = rules.filter((rule) => rule.mode === 'enforce').map((rule) => rule.rule);
  return [{ why: `masking rule ${names.join(', ')} looks into content, which COPY does not let it do; use SELECT`, unless: 'never' }];
}
