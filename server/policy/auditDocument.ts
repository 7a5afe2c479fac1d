import { z } from 'zod';
import { type AuditSettings, DEFAULT_AUDIT_SETTINGS } from '../../db/schema/auditShapes';
import { parseDuration } from '../duration';
import { given } from '../input';
import { durabilitySchema } from './shapes';

/** The document's `audit`: `strict`, `group`, or what there is to say besides. */

const path = z
  .string()
  .min(1)
  .max(1_000)
  .refine((text) => text.startsWith('/'), 'a path from the root, on the gateway’s machine');
const secret = z.string().min(1).max(4_000).optional();
const url = z
  .string()
  .max(2_000)
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'an http or https address')
  .refine(
    (text) => !URL.canParse(text) || (new URL(text).username === '' && new URL(text).password === ''),
    'no user or password in the address',
  );
const name = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,62}$/, 'a short name')
  .optional();
const maxBytes = z.int().min(1_000_000).optional();

const duration = (leastMs: number, mostMs: number, say: string) =>
  z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== null && ms >= leastMs && ms <= mostMs) return ms;
    context.addIssue({ code: 'custom', message: say });
    return z.NEVER;
  });

const s3 = z.strictObject({
  type: z.literal('s3'),
  bucket: z.string().min(3).max(255),
  endpoint: url.optional(),
  region: z.string().min(1).max(100).optional(),
  prefix: z.string().max(500).optional(),
  accessKeyId: secret,
  secretAccessKey: secret,
  lockDays: z.int().min(1).max(36_500).optional(),
});
const file = z.strictObject({ type: z.literal('file'), path });

const witness = z.discriminatedUnion('type', [
  file,
  s3,
  z.strictObject({ type: z.literal('http'), url, token: secret, publicKey: z.string().max(500).optional() }),
  z.strictObject({
    type: z.literal('git'),
    path,
    remote: z.string().min(1).max(1_000).optional(),
    branch: z.string().min(1).max(200).optional(),
  }),
]);

const sink = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('otlp'),
    name,
    url,
    headers: z.record(z.string().min(1).max(200), z.string().max(4_000)).optional(),
    signals: z
      .array(z.enum(['logs', 'traces']))
      .min(1)
      .optional(),
    maxBytes,
  }),
  z.strictObject({ type: z.literal('jsonl'), name, path, maxBytes }),
  z.strictObject({
    type: z.literal('syslog'),
    name,
    host: z.string().min(1).max(253),
    port: z.int().min(1).max(65_535),
    protocol: z.enum(['tcp', 'udp', 'tls']),
    maxBytes,
  }),
  z.strictObject({ type: z.literal('webhook'), name, url, secret, maxBytes }),
]);

const whole = z
  .strictObject({
    durability: durabilitySchema.default(DEFAULT_AUDIT_SETTINGS.durability),
    checkpointEvery: duration(1_000, 86_400_000, 'a duration from 1s to 24h').default(DEFAULT_AUDIT_SETTINGS.checkpointEveryMs),
    witnesses: z.array(witness).max(20).default([]),
    sinks: z.array(sink).max(20).default([]),
    retention: z
      .strictObject({ days: z.int().min(1).max(36_500), archive: z.discriminatedUnion('type', [file, s3]).optional() })
      .optional(),
  })
  .transform(
    ({ checkpointEvery, retention, witnesses, sinks, ...rest }): AuditSettings => ({
      ...rest,
      checkpointEveryMs: checkpointEvery,
      witnesses: witnesses.map(given) as AuditSettings['witnesses'],
      sinks: sinks.map(given) as AuditSettings['sinks'],
      retention:
        retention === undefined
          ? null
          : {
              days: retention.days,
              archive:
                retention.archive === undefined ? null : (given(retention.archive) as NonNullable<AuditSettings['retention']>['archive']),
            },
    }),
  );

/** A word alone is the durability; said as the whole, so that a mistake further in is shown where it stands. */
export const auditSchema = z
  .preprocess((value) => (typeof value === 'string' ? { durability: value } : value), whole.optional())
  .transform((settings) => settings ?? DEFAULT_AUDIT_SETTINGS);
