import { bigint, integer, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import type {
  Action,
  ApprovalSpec,
  ConnectionLimits,
  Detector,
  Durability,
  EnforcementReport,
  EnforcementState,
  Inference,
  MaskSpec,
  Mode,
  PasswordFrom,
  RecordSpec,
  Requestable,
  RuleMatch,
  TlsMode,
  TlsNegotiation,
  UpstreamSession,
} from './shapes';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/** One row. Every transaction that changes policy or principals increments it, so a snapshot can be compared by number. */
export const policyState = pgTable('policy_state', {
  id: integer('id').primaryKey(),
  version: bigint('version', { mode: 'number' }).notNull(),
  /** Moves when access is given for a time or taken back: workers read anew, and nothing that a policy version binds is touched. */
  accessVersion: bigint('access_version', { mode: 'number' }).notNull().default(0),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});

/** A configured upstream database; its name is the `dbname` clients use. */
export const connections = pgTable('connections', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
  host: text('host').notNull(),
  port: integer('port').notNull(),
  database: text('database').notNull(),
  username: text('username').notNull(),
  /** AES-256-GCM envelope (db/secrets.ts), bound to the connection id. Never leaves the server. */
  passwordSealed: text('password_sealed'),
  /** Where the password is instead; null: it is `passwordSealed`, or there is none. */
  passwordFrom: jsonb('password_from').$type<PasswordFrom>(),
  tls: text('tls').$type<TlsMode>().notNull().default('prefer'),
  tlsNegotiation: text('tls_negotiation').$type<TlsNegotiation>().notNull().default('postgres'),
  /** PEM, one or more certificates of authorities; null trusts the authorities Node trusts. */
  tlsCa: text('tls_ca'),
  /** PEM, the client certificate and what chains it; set exactly when tlsKeySealed is. */
  tlsCertificate: text('tls_certificate'),
  /** The client certificate's private key, an envelope like passwordSealed (bound as proxy/upstream/endpoint.ts says). Never leaves the server. */
  tlsKeySealed: text('tls_key_sealed'),
  defaultAction: text('default_action').$type<Action>().notNull().default('allow'),
  opaqueAction: text('opaque_action').$type<Action>().notNull().default('hold'),
  superuser: text('superuser').$type<'refuse' | 'allow'>().notNull().default('refuse'),
  functionCall: text('function_call').$type<'refuse' | 'judge'>().notNull().default('refuse'),
  /** Who may give access for a time; null: it cannot be asked for. */
  requestable: jsonb('requestable').$type<Requestable>(),
  limits: jsonb('limits').$type<ConnectionLimits>().notNull().default({}),
  /** How surely its statements are in the journal before they run; null: as the gateway is set. */
  audit: text('audit').$type<Durability>(),
  record: jsonb('record').$type<RecordSpec>().notNull().default({ results: 'off' }),
  /** What the upstream is told of who is there. */
  session: jsonb('session').$type<UpstreamSession>().notNull().default({ variables: {} }),
  createdAt: instant('created_at').notNull().defaultNow(),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});

/** What was last proved of a connection's upstream role. It holds while the two digests are what they were. */
export const connectionEnforcement = pgTable('connection_enforcement', {
  connectionId: text('connection_id')
    .primaryKey()
    .references(() => connections.id, { onDelete: 'cascade' }),
  state: text('state').$type<EnforcementState>().notNull(),
  verifiedAt: instant('verified_at').notNull(),
  verifiedBy: text('verified_by').notNull(),
  policyVersion: bigint('policy_version', { mode: 'number' }).notNull(),
  /** Of the masking rules that apply to the connection, and of where and as whom it signs in. */
  maskingDigest: text('masking_digest').notNull(),
  catalogFingerprint: text('catalog_fingerprint').notNull(),
  report: jsonb('report').$type<EnforcementReport>().notNull(),
});

/** What columns that masking rules name were called when they were named: a rename does not take a mask away. */
export const columnNames = pgTable(
  'column_names',
  {
    connectionId: text('connection_id')
      .notNull()
      .references(() => connections.id, { onDelete: 'cascade' }),
    relationOid: bigint('relation_oid', { mode: 'number' }).notNull(),
    attributeNumber: integer('attribute_number').notNull(),
    schema: text('schema_name').notNull(),
    relation: text('relation_name').notNull(),
    column: text('column_name').notNull(),
    seenAt: instant('seen_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({
      columns: [table.connectionId, table.relationOid, table.attributeNumber, table.schema, table.relation, table.column],
    }),
  ],
);

/** Which groups may open sessions on which connections. No row, no access. */
export const access = pgTable('access', {
  id: text('id').primaryKey(),
  position: integer('position').notNull(),
  connections: jsonb('connections').$type<string[]>().notNull(),
  groups: jsonb('groups').$type<string[]>().notNull(),
});

export const maskingRules = pgTable('masking_rules', {
  id: text('id').primaryKey(),
  position: integer('position').notNull(),
  name: text('name').notNull().unique(),
  connections: jsonb('connections').$type<string[]>().notNull(),
  /** Globs over `schema.table.column`. */
  columns: jsonb('columns').$type<string[]>().notNull(),
  detect: jsonb('detect').$type<Detector[]>().notNull(),
  mask: jsonb('mask').$type<MaskSpec>().notNull(),
  inference: text('inference').$type<Inference>().notNull().default('guarded'),
  exceptGroups: jsonb('except_groups').$type<string[]>().notNull(),
  mode: text('mode').$type<Mode>().notNull().default('enforce'),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});

export const rules = pgTable('rules', {
  id: text('id').primaryKey(),
  position: integer('position').notNull(),
  name: text('name').notNull().unique(),
  connections: jsonb('connections').$type<string[]>().notNull(),
  /** Groups of the principal the rule speaks of; empty means everyone. */
  groups: jsonb('groups').$type<string[]>().notNull(),
  match: jsonb('match').$type<RuleMatch>().notNull(),
  action: text('action').$type<Action>().notNull(),
  message: text('message'),
  approval: jsonb('approval').$type<ApprovalSpec | null>(),
  mode: text('mode').$type<Mode>().notNull().default('enforce'),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});
