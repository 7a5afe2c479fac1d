import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sessionActor } from '../auth/session';
import { type ServiceCode, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { getRuntime } from '../runtime';
import { sameOrigin } from './sameOrigin';

/** What is too long for tRPC is asked for by POST and streamed: what its handlers share. */
const MAX_BODY_BYTES = 16 * 1024;

export const STATUS = {
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  INVALID: 400,
  UNAVAILABLE: 503,
} as const satisfies Record<ServiceCode, number>;

/**
 * Who asks. An export is recorded, and so a change: another site must not be able to make somebody's browser do it.
 * @throws ServiceError UNAUTHORIZED, FORBIDDEN
 */
export async function callOf({ headers }: IncomingMessage): Promise<Call> {
  const runtime = getRuntime();
  const { authorization, cookie } = headers;
  const actor = await sessionActor(runtime, { authorization, cookie });
  if (actor === null) throw new ServiceError('UNAUTHORIZED', 'sign in first');
  if (authorization === undefined && !sameOrigin(headers, runtime.consoleUrl))
    throw new ServiceError('FORBIDDEN', 'this request did not come from the console’s own page');
  return { store: runtime.store, secretKey: runtime.secretKey, actor };
}

/** @throws ServiceError INVALID where it is too large, or no JSON */
export async function readJson(req: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of req as AsyncIterable<Buffer>) {
    sizeBytes += part.length;
    if (sizeBytes > MAX_BODY_BYTES) throw new ServiceError('INVALID', 'the request is too large');
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new ServiceError('INVALID', 'the request is not JSON');
  }
}

/** Sends chunks as fast as they are taken, and ends. Nothing more is made once the reader is gone. */
export async function sendAll(res: ServerResponse, chunks: AsyncIterable<string | Buffer>): Promise<void> {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  for await (const chunk of chunks) {
    if (gone.signal.aborted) return;
    if (!res.write(chunk)) await once(res, 'drain', { signal: gone.signal }).catch(() => undefined);
  }
  res.end();
}

export function answer(res: ServerResponse, status: number, message: string): void {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(`${JSON.stringify({ error: message })}\n`);
}
