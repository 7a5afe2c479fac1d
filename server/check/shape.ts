import { z } from 'zod';
import type { Verdict } from '../../proxy/policy/types';

export interface CheckedStatement {
  kind: string;
  text: string;
  effects: string[];
  relations: { name: string; access: 'read' | 'write' }[];
  verdict: Verdict;
  /** As it would be forwarded, where that is not as it came. */
  rewritten?: string;
  masking: { state: 'clean' | 'resolved' | 'unresolved'; columns: string[]; reason?: string };
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
