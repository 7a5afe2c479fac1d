import { z } from 'zod';
import type {
  Action,
  ConnectionLimits,
  Durability,
  EnforcementReport,
  EnforcementState,
  PasswordFrom,
  RecordSpec,
  Requestable,
  TlsMode,
  TlsNegotiation,
  UpstreamSession,
} from '../../db/schema/shapes';
import { given, nameSchema } from '../input';
import { actionSchema, durabilitySchema, functionCallSchema } from '../policy/shapes';
import { passwordSchema, upstreamSessionSchema } from './credentialShape';
import { checkTls, tlsFields } from './tlsFields';

export interface ConnectionRow {
  id: string;
  name: string;
  host: string;
  port: number;
  database: string;
  username: string;
  tls: TlsMode;
  tlsNegotiation: TlsNegotiation;
  /** PEM; certificates are no secret. */
  tlsCa: string | null;
  tlsCertificate: string | null;
  default: Action;
  opaque: Action;
  superuser: 'refuse' | 'allow';
  functionCall: 'refuse' | 'judge';
  limits: ConnectionLimits;
  /** null: as the gateway is set. */
  audit: Durability | null;
  record: RecordSpec;
  /** Who may give access for a time; null: it cannot be asked for. */
  requestable: Requestable | null;
  hasPassword: boolean;
  /** Where it is kept; null: in the store, there is none, or whoever asks may not change it. */
  passwordFrom: PasswordFrom | null;
  session: UpstreamSession;
  hasTlsKey: boolean;
  openSessions: number;
  enforcement: ConnectionEnforcement | null;
  updatedAt: Date;
}

/** What was last proved of a connection's upstream role. */
export interface ConnectionEnforcement {
  state: EnforcementState;
  role: string;
  verifiedAt: Date;
  verifiedBy: string;
  policyVersion: number;
  /** The masking rules, the upstream or its catalog changed since: the proof no longer counts. */
  outdated: boolean;
  maskedColumns: number;
  crossings: number;
}

/** Any name PostgreSQL can hold, but for its own. */
const roleNameSchema = z
  .string()
  .min(1, 'a name is needed')
  .refine((name) => Buffer.byteLength(name) <= 63, 'at most 63 bytes')
  .refine((name) => !name.includes('\0'), 'no NUL')
  .refine((name) => !/^pg_/.test(name), 'names that begin with pg_ are PostgreSQL’s own');

/** `model`: whose rights to take as the model; the connection's own role when left out. */
export const hardenSchema = z.object({
  name: z.string().min(1).max(63),
  role: roleNameSchema.optional(),
  schema: roleNameSchema.optional(),
  model: roleNameSchema.optional(),
  readOnly: z.boolean().default(false),
  revokePublic: z.boolean().default(false),
});

export interface HardeningScript {
  role: string;
  schema: string;
  model: string;
  maskedColumns: string[];
  sql: string;
}

/** A connection's last proof as it stands now. */
export interface ConnectionProof {
  standing: 'never' | 'current' | 'outdated';
  /** Whether the upstream's catalog could be compared; null when there was nothing to compare. */
  upstreamReached: boolean | null;
  proof: (EnforcementReport & { verifiedAt: Date; verifiedBy: string; policyVersion: number }) | null;
}

export const verifySchema = z.object({ name: z.string().min(1).max(63), role: roleNameSchema.optional() });

export interface Verification extends EnforcementReport {
  connection: string;
  verifiedAt: Date;
  policyVersion: number;
  /** Another role than the connection's was asked about: the answer is not kept. */
  kept: boolean;
}

export const limitsSchema = z
  .strictObject({
    maxRows: z.int().positive().optional(),
    maxBytes: z.int().positive().optional(),
    maxCost: z.number().positive().optional(),
    statementTimeoutMs: z.int().positive().max(86_400_000).optional(),
    lockTimeoutMs: z.int().positive().max(86_400_000).optional(),
    maxSessions: z.int().positive().max(100_000).optional(),
    maxStatementBytes: z.int().min(1_024, 'at least 1024').max(16_777_216, 'at most 16777216: larger texts cannot be analysed').optional(),
    maxMessageBytes: z.int().min(8_192, 'at least 8192').max(1_073_741_823, 'at most 1073741823, as in PostgreSQL').optional(),
    idleTimeoutMs: z.int().positive().max(86_400_000).optional(),
    idleInTransactionTimeoutMs: z.int().positive().max(86_400_000).optional(),
  })
  .transform(given);

export const recordSchema = z
  .strictObject({ results: z.enum(['off', 'masked']), maxRows: z.int().positive().max(100_000).optional() })
  .transform(given);

export const requestableSchema = z.object({
  groups: z.array(nameSchema).max(50).default([]),
  count: z.int().min(1).max(20).default(1),
  maxDurationMs: z
    .int()
    .min(60_000, 'at least a minute')
    .max(90 * 86_400_000, 'at most 90 days'),
});

export const hostSchema = z
  .string()
  .min(1, 'a host is needed')
  .max(255)
  .regex(/^[^\s/\\@]+$/, 'a host name or address');

/**
 * A connection as the console edits it. An absent password, session or key keeps the stored one; an empty password removes it, one may also be
 * a reference, and a key goes with its certificate.
 */
export const connectionDraftSchema = z
  .object({
    id: z.string().optional(),
    name: nameSchema,
    host: hostSchema,
    port: z.int('a port is a number').min(1, 'a port from 1 to 65535').max(65_535, 'a port from 1 to 65535').default(5432),
    database: z.string().min(1, 'a database is needed').max(63),
    username: z.string().min(1, 'a role to sign in with is needed').max(63),
    password: passwordSchema.optional(),
    session: upstreamSessionSchema.optional(),
    ...tlsFields,
    default: actionSchema.default('allow'),
    opaque: actionSchema.default('hold'),
    superuser: z.enum(['refuse', 'allow']).default('refuse'),
    functionCall: functionCallSchema.default('refuse'),
    limits: limitsSchema.default({}),
    audit: durabilitySchema.nullable().default(null),
    record: recordSchema.default({ results: 'off' }),
    requestable: requestableSchema.nullable().default(null),
  })
  .superRefine(checkTls);
export type ConnectionDraft = z.output<typeof connectionDraftSchema>;

export type StageName = 'DNS' | 'TCP' | 'TLS' | 'sign-in' | 'version' | 'role' | 'catalog';

/** What a stage found; `hint` says what to do, `facts` are for who wants to know more. */
export interface Finding {
  status: 'ok' | 'warn' | 'failed' | 'skipped';
  detail: string;
  hint?: string;
  facts?: { label: string; value: string }[];
}

export interface TestStage extends Finding {
  name: StageName;
  durationMs: number;
}

/** Where and as whom a client connects. */
export interface Reach {
  host: string;
  port: number;
  database: string;
  user: string;
}

export interface Snippets {
  psql: string;
  uri: string;
  env: string;
  node: string;
  python: string;
  jdbc: string;
}
