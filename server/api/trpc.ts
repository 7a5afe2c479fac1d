import { randomBytes } from 'node:crypto';
import { initTRPC, TRPCError } from '@trpc/server';
import superjson from 'superjson';
import type { z } from 'zod';
import { type FieldIssue, type PolicyIssue, type ServiceCode, ServiceError } from '../errors';
import type { Actor, Call } from '../identity/actor';
import { log } from '../log';
import { takenUp } from '../policy/takenUp';

/** What one HTTP request brings: who asks (null when nobody signed in), and how it was proven. */
export interface ApiContext {
  call: Omit<Call, 'actor'>;
  actor: Actor | null;
  /** Somebody whose token is for some connections: nobody, but to what says how those are reached. */
  limited?: { actor: Actor; connections: readonly string[] };
  /** A cookie travels by itself, so a mutation under it must prove that our own page sent it. */
  forgeable: boolean;
}

/** ServiceError → tRPC, in this one place. */
const TRPC_CODES = {
  UNAUTHORIZED: 'UNAUTHORIZED',
  FORBIDDEN: 'FORBIDDEN',
  NOT_FOUND: 'NOT_FOUND',
  CONFLICT: 'CONFLICT',
  INVALID: 'BAD_REQUEST',
  UNAVAILABLE: 'SERVICE_UNAVAILABLE',
} as const satisfies Record<ServiceCode, TRPCError['code']>;

/** What a caller learns beyond the message. */
export interface ErrorData {
  service: ServiceCode | null;
  fields: FieldIssue[];
  policy: PolicyIssue[];
}

const t = initTRPC.context<ApiContext>().create({
  transformer: superjson,
  isServer: true,
  sse: {
    ping: { enabled: true, intervalMs: 15_000 },
    client: { reconnectAfterInactivityMs: 40_000 },
    // A subscription signs in again at least this often, by reconnecting.
    maxDurationMs: 15 * 60_000,
  },
  errorFormatter({ shape, error }) {
    const cause = error.cause instanceof ServiceError ? error.cause : null;
    const extra: ErrorData = { service: cause?.code ?? null, fields: cause?.details.fields ?? [], policy: cause?.details.policy ?? [] };
    // Stacks name files and may quote values: they belong in the log.
    const { stack: _stack, ...data } = shape.data;
    return { ...shape, data: { ...data, ...extra } };
  },
});

/** Turns whatever a verb threw into what a caller may see. An unexpected error shows an id; its cause goes to the log. */
function present(error: unknown, path: string): TRPCError {
  const cause = error instanceof TRPCError && error.cause !== undefined ? error.cause : error;
  if (cause instanceof ServiceError) return new TRPCError({ code: TRPC_CODES[cause.code], message: cause.message, cause });
  if (error instanceof TRPCError && error.code !== 'INTERNAL_SERVER_ERROR') return error;
  const errorId = `err_${randomBytes(6).toString('hex')}`;
  log.error({ errorId, path, err: causeOf(cause) }, 'unexpected error in an API call');
  return new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message: `something went wrong in the gateway (${errorId}); its log says what` });
}

/** Drizzle puts statement and parameters in its message, and parameters may be secrets: only what PostgreSQL said is kept. */
function causeOf(error: unknown): { name: string; message: string; code?: string; stack?: string } {
  if (!(error instanceof Error)) return { name: 'unknown', message: typeof error };
  if (error.name === 'DrizzleQueryError' || error.message.startsWith('Failed query'))
    return error.cause instanceof Error ? causeOf(error.cause) : { name: error.name, message: 'query failed' };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return { name: error.name, message: error.message, ...code, ...(error.stack === undefined ? {} : { stack: error.stack }) };
}

const presentErrors = t.middleware(async ({ next, path }) => {
  const result = await next();
  if (!result.ok) throw present(result.error, path);
  return result;
});

const signedIn = t.middleware(({ ctx, next, type }) => {
  if (ctx.actor === null) throw new ServiceError('UNAUTHORIZED', 'sign in first');
  if (type === 'mutation' && ctx.forgeable) throw new ServiceError('FORBIDDEN', 'this request did not come from the console’s own page');
  const call: Call = { ...ctx.call, actor: ctx.actor };
  return next({ ctx: { ...ctx, call } });
});

/**
 * For what moves a version of the policy or of access, and so what workers go by: whoever connects behind the answer meets the change. A
 * worker that is late does not make it fail.
 */
const heardByWorkers = t.middleware(async ({ ctx, next }) => {
  const result = await next();
  if (result.ok) await takenUp(ctx.call.store);
  return result;
});

/** For whoever may open sessions: a token for some connections is enough. */
const signedInOrLimited = t.middleware(({ ctx, next }) => {
  const actor = ctx.limited?.actor ?? ctx.actor;
  if (actor === null) throw new ServiceError('UNAUTHORIZED', 'sign in first');
  const call: Call = { ...ctx.call, actor };
  return next({ ctx: { ...ctx, call, connections: ctx.limited?.connections ?? null } });
});

export const router = t.router;
export const procedure = t.procedure.use(presentErrors).use(signedIn);
export const policyProcedure = procedure.use(heardByWorkers);
export const limitedProcedure = t.procedure.use(presentErrors).use(signedInOrLimited);

/**
 * Gives a procedure its input's type and leaves validation to the verb, which checks permission first and parses once.
 * The cast is safe because every verb parses what it gets as unknown.
 */
export const takes =
  <S extends z.ZodType>(_schema: S) =>
  (value: unknown): z.input<S> =>
    value as z.input<S>;
