import { z } from 'zod';
import type { AuditSettings } from '../../db/schema/auditShapes';
import type { IdentityProvider } from '../../db/schema/identityShapes';
import type { PasswordFrom, PrincipalKind, PrincipalLimits, Role } from '../../db/schema/shapes';
import type { AccessGrant, MaskingRule, Rule } from '../../proxy/policy/types';
import { opaqueIssue, passwordSchema, upstreamSessionSchema } from '../connections/credentialShape';
import { hostSchema, limitsSchema, recordSchema } from '../connections/shape';
import { checkTls, tlsFields } from '../connections/tlsFields';
import { parseDuration } from '../duration';
import { given, nameSchema } from '../input';
import { columnGlob } from '../masking/shape';
import { principalLimitsSchema } from '../principals/shape';
import { auditSchema } from './auditDocument';
import { identitySchema } from './identityDocument';
import {
  actionSchema,
  approvalOptions,
  DEFAULT_EXPIRES_IN_MS,
  detectorSchema,
  durabilitySchema,
  functionCallSchema,
  inferenceSchema,
  kindSchema,
  maskSpecSchema,
  modeSchema,
  roleSchema,
  ruleMatchSchema,
  slackUserIdSchema,
  toleranceSchema,
} from './shapes';

export interface DocumentPrincipal {
  name: string;
  kind: PrincipalKind;
  owner: string | null;
  email: string | null;
  slackUserId: string | null;
  groups: string[];
  role: Role;
  limits: PrincipalLimits;
}

const duration = (leastMs: number, mostMs: number) =>
  z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== null && ms >= leastMs && ms <= mostMs) return ms;
    context.addIssue({ code: 'custom', message: ms === null ? 'a duration, e.g. 30s, 15m or 1h' : 'out of range' });
    return z.NEVER;
  });

/** A port may come from the environment, where everything is text. */
const port = z.union([z.int(), z.string().regex(/^\d+$/).transform(Number)], 'a port number').pipe(z.int().min(1).max(65_535));
const names = z.array(z.string().min(1)).default([]);
const someNames = z.array(z.string().min(1)).min(1, 'name at least one, or "*" for all');

const connectionSchema = z
  .strictObject({
    name: nameSchema,
    host: hostSchema,
    port: port.default(5432),
    database: z.string().min(1).max(63),
    username: z.string().min(1).max(63),
    /** Absent keeps what is stored. */
    password: passwordSchema.optional(),
    session: upstreamSessionSchema.default({ variables: {} }),
    ...tlsFields,
    default: actionSchema.default('allow'),
    opaque: actionSchema.default('hold'),
    superuser: z.enum(['refuse', 'allow']).default('refuse'),
    functionCall: functionCallSchema.default('refuse'),
    limits: z
      .strictObject({
        maxRows: limitsSchema.in.shape.maxRows,
        maxBytes: limitsSchema.in.shape.maxBytes,
        maxCost: limitsSchema.in.shape.maxCost,
        statementTimeout: duration(1, 86_400_000).optional(),
        lockTimeout: duration(1, 86_400_000).optional(),
        maxSessions: limitsSchema.in.shape.maxSessions,
        maxStatementBytes: limitsSchema.in.shape.maxStatementBytes,
        maxMessageBytes: limitsSchema.in.shape.maxMessageBytes,
        idleTimeout: duration(1, 86_400_000).optional(),
        idleInTransactionTimeout: duration(1, 86_400_000).optional(),
      })
      .transform(({ statementTimeout, lockTimeout, idleTimeout, idleInTransactionTimeout, ...rest }) =>
        given({
          ...rest,
          statementTimeoutMs: statementTimeout,
          lockTimeoutMs: lockTimeout,
          idleTimeoutMs: idleTimeout,
          idleInTransactionTimeoutMs: idleInTransactionTimeout,
        }),
      )
      .default({}),
    requestable: z
      .strictObject({ groups: names, count: z.int().min(1).max(20).default(1), maxDuration: duration(60_000, 90 * 86_400_000) })
      .transform(({ maxDuration, ...rest }) => ({ ...rest, maxDurationMs: maxDuration }))
      .nullish()
      .transform((requestable) => requestable ?? null),
    audit: durabilitySchema.nullish().transform((audit) => audit ?? null),
    record: recordSchema.default({ results: 'off' }),
  })
  .superRefine(checkTls)
  .superRefine((connection, context) => {
    const message = opaqueIssue(connection.session, connection.opaque);
    if (message !== null) context.addIssue({ code: 'custom', path: ['opaque'], message });
  })
  .transform(({ password, ...rest }) => ({
    ...rest,
    ...(typeof password === 'string' ? { password } : {}),
    ...(typeof password === 'object' ? { passwordFrom: password } : {}),
  }));

const principalSchema = z
  .strictObject({
    name: nameSchema,
    kind: kindSchema,
    owner: z.string().nullish(),
    email: z.email('not a mail address').max(254).nullish(),
    slackUserId: slackUserIdSchema.nullish(),
    groups: names,
    role: roleSchema.default('member'),
    limits: principalLimitsSchema.default({}),
  })
  .transform((principal) => ({
    ...principal,
    owner: principal.owner ?? null,
    email: principal.email ?? null,
    slackUserId: principal.slackUserId ?? null,
  }));

const maskingSchema = z
  .strictObject({
    name: nameSchema,
    connections: names,
    columns: z.array(columnGlob).default([]),
    detect: z.array(detectorSchema).default([]),
    mask: maskSpecSchema,
    inference: inferenceSchema.default('guarded'),
    exceptGroups: names,
    mode: modeSchema.default('enforce'),
  })
  .refine((rule) => rule.columns.length > 0 || rule.detect.length > 0, 'name at least one column, or what to detect');

const approvalSchema = z
  .strictObject({
    groups: names,
    count: z.int().min(1).max(20).default(1),
    expiresIn: duration(1_000, 30 * 86_400_000).default(DEFAULT_EXPIRES_IN_MS),
    ...approvalOptions,
    tolerance: toleranceSchema.optional(),
    breakGlass: names,
  })
  .transform(({ expiresIn, breakGlass, ...rest }) =>
    given({
      ...rest,
      expiresInMs: expiresIn,
      // Absent where nobody may, so that a stored rule and a document that says the same are the same.
      ...(breakGlass.length === 0 ? {} : { breakGlass }),
    }),
  );

const ruleSchema = z
  .strictObject({
    name: nameSchema,
    connections: names,
    groups: names,
    match: ruleMatchSchema,
    action: actionSchema,
    message: z.string().max(500).nullish(),
    approval: approvalSchema.nullish(),
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
      context.addIssue({ code: 'custom', path: ['approval'], message: 'only a rule whose action is hold has an approval' });
  })
  .transform((rule) => ({
    ...rule,
    // Everyone is said by naming no group, so that what decides has one form to know.
    groups: rule.groups.includes('*') ? [] : rule.groups,
    message: rule.message ?? null,
    approval: rule.action === 'hold' ? (rule.approval ?? { groups: [], count: 1, expiresInMs: DEFAULT_EXPIRES_IN_MS }) : null,
  }));

/** The policy document (docs/policy.md): unknown fields are refused, defaults are filled in, durations become milliseconds. */
export const documentSchema = z.strictObject({
  version: z.literal(1, 'this gateway reads version 1'),
  connections: z.array(connectionSchema).default([]),
  groups: z.array(nameSchema).default([]),
  principals: z.array(principalSchema).default([]),
  access: z.array(z.strictObject({ connections: someNames, groups: someNames })).default([]),
  masking: z.array(maskingSchema).default([]),
  rules: z.array(ruleSchema).default([]),
  identity: identitySchema,
  audit: auditSchema,
});

/** `password`: given in the document, and sealed. `passwordFrom`: where it is kept. Neither: what is stored stays. */
export type DocumentConnection = Omit<z.output<typeof connectionSchema>, 'password' | 'passwordFrom'> & {
  password?: string;
  passwordFrom?: PasswordFrom | null;
};

/** A whole policy, as a document says it and as the store holds it. A connection's password and client key are present only where a document gives them. */
export interface PolicyDocument {
  connections: DocumentConnection[];
  groups: string[];
  principals: DocumentPrincipal[];
  access: AccessGrant[];
  masking: MaskingRule[];
  rules: Rule[];
  /** Who says who people are. A client secret is present only where the document gives it. */
  identity: IdentityProvider[];
  /** Its secrets are present only where the document gives them. */
  audit: AuditSettings;
}
