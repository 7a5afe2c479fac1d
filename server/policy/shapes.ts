import { z } from 'zod';
import type { Tolerance } from '../../db/schema/shapes';
import { linearPattern } from '../../proxy/policy/pattern';
import { isKnownCommand } from '../../proxy/sql/commands';
import type { Effect } from '../../proxy/sql/types';
import { given } from '../input';

/** The parts of a policy that the console and the YAML document share: enumerations, matches, masks. */
export const actionSchema = z.enum(['allow', 'hold', 'deny']);
export const modeSchema = z.enum(['off', 'observe', 'enforce']);
export const tlsSchema = z.enum(['disable', 'prefer', 'require', 'verify-ca', 'verify-full']);
export const durabilitySchema = z.enum(['group', 'strict']);
export const functionCallSchema = z.enum(['refuse', 'judge']);
export const inferenceSchema = z.enum(['open', 'guarded', 'closed', 'masked']);
export const detectorSchema = z.enum(['credit_card', 'ssn', 'email', 'iban', 'phone', 'api_key']);
export const kindSchema = z.enum(['human', 'agent', 'service']);
export const roleSchema = z.enum(['admin', 'reviewer', 'auditor', 'member']);

export const slackUserIdSchema = z.string().regex(/^[UW][A-Z0-9]{6,20}$/, 'a Slack member ID, e.g. U024BE7LH');

export const EFFECTS = [
  'read',
  'insert',
  'update',
  'delete',
  'merge',
  'truncate',
  'create',
  'alter',
  'drop',
  'grant',
  'role',
  'setting',
  'lock',
  'file',
  'program',
  'network',
  'notify',
  'admin',
  'transaction',
  'session',
  'opaque',
] as const satisfies readonly Effect[];

const EMPTY = 'an empty list matches nothing: leave the field out';
const words = z.array(z.string().min(1).max(200)).min(1, EMPTY).max(500);
const globs = (form: RegExp, message: string) => z.array(z.string().max(200).regex(form, message)).min(1, EMPTY).max(500);
const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day, e.g. "09:00"');

/** The pattern must compile as RE2, and it is matched case-insensitively. */
const pattern = z
  .string()
  .min(1)
  .max(1_000)
  .superRefine((source, context) => {
    try {
      linearPattern(source);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'not a regular expression' });
    }
  });

const timeZone = z.string().refine((zone) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}, 'not a time zone, e.g. "Europe/Berlin"');

export const ruleMatchSchema = z
  .strictObject({
    statements: z
      .array(z.string().refine(isKnownCommand, 'not a command word of PostgreSQL, e.g. DELETE, DROP TABLE, COPY PROGRAM'))
      .min(1, EMPTY)
      .max(500)
      .optional(),
    effects: z.array(z.enum(EFFECTS)).min(1, EMPTY).optional(),
    tables: globs(/^[^.]+(\.[^.]+)?$/, 'tables are written schema.table, e.g. "public.*"').optional(),
    columns: globs(/^[^.]+(\.[^.]+){0,2}$/, 'columns are written schema.table.column, e.g. "public.*.card_number"').optional(),
    functions: words.optional(),
    fingerprints: words.optional(),
    unbounded: z.boolean().optional(),
    boundedBy: z.enum(['key', 'index']).optional(),
    opaque: z.boolean().optional(),
    sql: pattern.optional(),
    hours: z.strictObject({ from: clock, to: clock, timeZone: timeZone.optional() }).transform(given).optional(),
    maxAffectedRows: z.int().min(0).optional(),
  })
  .refine((match) => match.boundedBy === undefined || match.unbounded !== undefined, {
    message: 'boundedBy says what unbounded means: give unbounded as well',
    path: ['boundedBy'],
  })
  .transform(given);

const count = z.int().min(0).max(1_000);

export const maskSpecSchema = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('redact') }),
    z.strictObject({ type: z.literal('null') }),
    z.strictObject({ type: z.literal('partial'), keepFirst: count.optional(), keepLast: count.optional() }),
    z.strictObject({ type: z.literal('hash') }),
    z.strictObject({ type: z.literal('email') }),
    z.strictObject({ type: z.literal('date'), truncate: z.enum(['year', 'month', 'day']) }),
    z.strictObject({ type: z.literal('number'), round: z.number().positive().optional(), bucket: z.number().positive().optional() }),
    z.strictObject({ type: z.literal('constant'), value: z.string().max(1_000) }),
  ])
  .superRefine((mask, context) => {
    if (mask.type === 'partial' && mask.keepFirst === undefined && mask.keepLast === undefined)
      context.addIssue({ code: 'custom', message: 'partial needs keepFirst or keepLast' });
    if (mask.type === 'number' && (mask.round === undefined) === (mask.bucket === undefined))
      context.addIssue({ code: 'custom', message: 'number needs exactly one of round and bucket' });
  })
  .transform(given);

/** When a held statement gives up waiting, unless its rule says otherwise. */
export const DEFAULT_EXPIRES_IN_MS = 15 * 60_000;

/** A number of rows, or a share of those measured as a document writes it: `"10%"`. */
export const toleranceSchema = z
  .union([z.int().min(0).max(1_000_000_000), z.string().regex(/^\d{1,4}(\.\d{1,2})?%$/, 'rows, or a share such as "10%"')])
  .transform((given): Tolerance => (typeof given === 'number' ? { rows: given } : { percent: Number(given.slice(0, -1)) }));

/** What an approval says besides who, how many and how long. */
export const approvalOptions = {
  at: z.enum(['statement', 'commit']).optional(),
  dryRun: z.boolean().optional(),
  passkey: z.literal('required', 'required, or left out').optional(),
};
