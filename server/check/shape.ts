import { z } from 'zod';
import type { ExplainedOutput } from '../../proxy/masking/explain';
import type { Verdict } from '../../proxy/policy/types';

/** `masking.observed`: the same if the masking rules that only observe were enforced; null where there are none, or they change nothing. */
export interface CheckedStatement {
  kind: string;
  text: string;
  effects: string[];
  relations: { name: string; access: 'read' | 'write' }[];
  verdict: Verdict;
  /** As it would be forwarded, where that is not as it came. */
  rewritten?: string;
  masking: CheckedMasking & { observed: CheckedMasking | null };
}

/** How a statement meets masked columns. */
export interface CheckedMasking {
  state: 'clean' | 'resolved' | 'unresolved';
  /** The masked columns behind its outputs; of one that is refused those it is refused for. */
  columns: string[];
  /** Why it is refused. */
  reason?: string;
  /** What to write instead. */
  advice?: string;
  /** In the order of the result; null where it touches nothing masked, is refused, or gives a plan. */
  outputs: ExplainedOutput[] | null;
}

/** What the proxy would do with this text, without sending any of it. The strictest statement's verdict is the text's. */
export interface CheckResult {
  verdict: Verdict;
  statements: CheckedStatement[];
  /** Set when the text does not parse; `position` counts characters from 1. */
  error?: { message: string; position: number | null };
}

export const checkSchema = z.object({
  connection: z.string().min(1),
  principal: z.string().min(1),
  sql: z.string().min(1, 'a statement is needed').max(1_000_000),
});
