import { z } from 'zod';
import type { Action, ApprovalSpec, Mode, RuleMatch } from '../../db/schema/shapes';
import { given, nameSchema } from '../input';
import { actionSchema, approvalOptions, DEFAULT_EXPIRES_IN_MS, modeSchema, ruleMatchSchema } from '../policy/shapes';

export interface RuleRow {
  id: string;
  position: number;
  name: string;
  connections: string[];
  groups: string[];
  match: RuleMatch;
  action: Action;
  message: string | null;
  approval: ApprovalSpec | null;
  mode: Mode;
  updatedAt: Date;
}

export const approvalSpecSchema = z
  .object({
    groups: z.array(z.string()).max(100).default([]),
    count: z.int().min(1).max(20).default(1),
    expiresInMs: z
      .int()
      .min(1_000)
      .max(30 * 86_400_000)
      .default(DEFAULT_EXPIRES_IN_MS),
    ...approvalOptions,
    tolerance: z.union([z.strictObject({ rows: z.int().min(0) }), z.strictObject({ percent: z.number().min(0).max(10_000) })]).optional(),
    breakGlass: z.array(z.string()).min(1).max(100).optional(),
  })
  .transform(given);

/** A rule as the console edits it. A new rule goes last; empty `connections` or `groups` mean all. */
export const ruleDraftSchema = z
  .object({
    id: z.string().optional(),
    name: nameSchema,
    connections: z.array(z.string()).max(200).default([]),
    groups: z.array(z.string()).max(200).default([]),
    match: ruleMatchSchema,
    action: actionSchema,
    message: z.string().max(500).nullish(),
    approval: approvalSpecSchema.nullish(),
    mode: modeSchema.default('enforce'),
  })
  .superRefine((rule, context) => {
    if (Object.keys(rule.match).length === 0)
      context.addIssue({
        code: 'custom',
        path: ['match'],
        message: 'a rule without conditions would match every statement: name at least one',
      });
    if (rule.action !== 'hold' && rule.approval != null)
      context.addIssue({ code: 'custom', path: ['approval'], message: 'only a rule that holds has an approval' });
  });
