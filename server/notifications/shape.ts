import { z } from 'zod';
import { type ChannelConfig, type ChannelKind, type DeliveryState, EVENT_KINDS, type EventKind } from '../../db/schema/notificationShapes';
import { hostSchema } from '../connections/shape';
import { cursorSchema, nameSchema } from '../input';

export interface ChannelRow {
  id: string;
  name: string;
  kind: ChannelKind;
  config: ChannelConfig;
  events: EventKind[];
  connections: string[];
  groups: string[];
  includeSql: boolean;
  disabledAt: Date | null;
  disabledWhy: string | null;
  updatedAt: Date;
  /** What waits, and what was given up. */
  pending: number;
  dead: number;
  lastDeliveredAt: Date | null;
}

export interface DeliveryRow {
  id: string;
  channelId: string;
  channelName: string;
  event: EventKind;
  subject: string;
  state: DeliveryState;
  attempts: number;
  at: Date;
  /** When it is tried next; null once it has ended. */
  nextAttemptAt: Date | null;
  endedAt: Date | null;
  lastError: string | null;
}

/** Notifications travel by TLS, or stay on this machine. Credentials in an address would be shown with it. */
const address = z
  .string()
  .max(2_000)
  .superRefine((value, context) => {
    const fault = addressFault(value);
    if (fault !== null) context.addIssue({ code: 'custom', message: fault });
  });

function addressFault(value: string): string | null {
  if (!URL.canParse(value)) return 'an address, e.g. https://hooks.example.com/gatehouse';
  const url = new URL(value);
  const local = isLocal(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local)) return 'https is needed, except for this machine';
  if (url.username !== '' || url.password !== '') return 'no user name or password in an address: it is shown to readers';
  return null;
}

export const isLocal = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);

/** One mailbox: nothing that could end the header it stands in. */
const mailbox = z.union(
  [z.email('not a mail address').max(254), z.string().regex(/^[^\p{C}<>"@]{1,100} <[^\s<>@]+@[^\s<>@]+>$/u)],
  'not a mail address',
);

const webhook = z.object({ kind: z.literal('webhook'), url: address });
/** Absent secrets keep the stored ones. */
const slack = z.object({
  kind: z.literal('slack'),
  channel: z.string().regex(/^[CGD][A-Z0-9]{6,20}$/, 'the channel’s id, e.g. C024BE91L: under "View channel details"'),
  botToken: z
    .string()
    .regex(/^xoxb-[A-Za-z0-9-]{10,200}$/, 'a bot token, xoxb-…')
    .optional(),
  signingSecret: z
    .string()
    .regex(/^[A-Za-z0-9]{16,128}$/, 'the app’s signing secret')
    .optional(),
});
const teams = z.object({ kind: z.literal('teams'), url: address.optional() });
const email = z
  .object({
    kind: z.literal('email'),
    host: hostSchema,
    port: z.int().min(1).max(65_535),
    security: z.enum(['tls', 'starttls', 'none']).default('starttls'),
    username: z.string().min(1).max(200).nullable().default(null),
    password: z.string().max(1_000).optional(),
    from: mailbox,
    to: z.array(mailbox).min(1, 'name at least one').max(50),
  })
  .superRefine((value, context) => {
    if (value.security === 'none' && value.username !== null && !isLocal(value.host))
      context.addIssue({ code: 'custom', path: ['security'], message: 'a password needs TLS on the way to another machine' });
  });

/** A channel as the console edits it. Empty lists of connections and groups mean all. */
export const channelDraftSchema = z.object({
  id: z.string().max(64).optional(),
  name: nameSchema,
  target: z.discriminatedUnion('kind', [webhook, slack, teams, email]),
  events: z.array(z.enum(EVENT_KINDS)).min(1, 'choose at least one event'),
  connections: z.array(z.string().min(1).max(63)).max(200).default([]),
  groups: z.array(z.string().min(1).max(63)).max(200).default([]),
  includeSql: z.boolean().default(false),
});
export type ChannelDraft = z.output<typeof channelDraftSchema>;
export type Target = ChannelDraft['target'];

export const deliveriesListSchema = z.object({
  channelId: z.string().max(64).nullish(),
  state: z.enum(['all', 'pending', 'delivered', 'dead']).default('all'),
  limit: z.int().min(1).max(200).default(50),
  /** The `seq` of the last row seen. */
  cursor: cursorSchema,
});

export const deliverySchema = z.object({ id: z.string().min(1).max(200) });
export const enabledSchema = z.object({ id: z.string().min(1).max(64), enabled: z.boolean() });
