import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { codeOf } from '../../proxy/worker/shownError';
import { sessionActor } from '../auth/session';
import { type ServiceCode, ServiceError } from '../errors';
import { log } from '../log';
import { brokenOff, exportRecord } from '../record/export';
import { getRuntime } from '../runtime';
import { sameOrigin } from './sameOrigin';

const MAX_BODY_BYTES = 16 * 1024;

const STATUS = {
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  INVALID: 400,
  UNAVAILABLE: 503,
} as const satisfies Record<ServiceCode, number>;

/**
 * POST with JSON as server/record/shape.ts has it: streams the export as fast as it is taken. What breaks off ends with a line of type `error`,
 * which no verification takes for an end.
 */
export async function handleRecordExport(req: IncomingMessage, res: ServerResponse): Promise<void> {
  res.setHeader('cache-control', 'no-store');
  try {
    await stream(req, res);
  } catch (error) {
    const known = error instanceof ServiceError ? error : null;
    if (known === null) log.error({ code: codeOf(error), what: brokenOff(error) }, 'an export of the record failed');
    if (res.headersSent) {
      res.end(`${JSON.stringify({ type: 'error', message: brokenOff(error) })}\n`);
      return;
    }
    res.writeHead(known === null ? 500 : STATUS[known.code], { 'content-type': 'application/json' });
    res.end(`${JSON.stringify({ error: known?.message ?? brokenOff(error) })}\n`);
  }
}

async function stream(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.method !== 'POST') throw new ServiceError('INVALID', 'an export is asked for by POST');
  const runtime = getRuntime();
  const { authorization, cookie } = req.headers;
  const actor = await sessionActor(runtime, { authorization, cookie });
  if (actor === null) throw new ServiceError('UNAUTHORIZED', 'sign in first');
  if (authorization === undefined && !sameOrigin(req.headers, runtime.consoleUrl))
    throw new ServiceError('FORBIDDEN', 'this request did not come from the console’s own page');
  const call = { store: runtime.store, secretKey: runtime.secretKey, actor };
  const { chunks } = await exportRecord(call, runtime.dataDir, await readJson(req));
  res.writeHead(200, { 'content-type': 'application/jsonl; charset=utf-8' });
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  for await (const chunk of chunks) {
    if (gone.signal.aborted) return;
    if (!res.write(chunk)) await once(res, 'drain', { signal: gone.signal }).catch(() => undefined);
  }
  res.end();
}

async function readJson(req: IncomingMessage): Promise<unknown> {
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
