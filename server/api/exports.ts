import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ExportFormat, exportStatements } from '../audit/export';
import { sessionActor } from '../auth/session';
import { type ServiceCode, ServiceError } from '../errors';
import { log } from '../log';
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

const TYPES = {
  csv: 'text/csv; charset=utf-8; header=present',
  jsonl: 'application/jsonl; charset=utf-8',
} as const satisfies Record<ExportFormat, string>;

/**
 * POST /api/audit/export with JSON `{ format, q, from, to, sort }`. Streams an export, as fast as its reader takes it. A failure after the first byte breaks the connection, so that half a file never looks
 * like a whole one.
 */
export async function handleExport(req: IncomingMessage, res: ServerResponse): Promise<void> {
  res.setHeader('cache-control', 'no-store');
  try {
    await stream(req, res);
  } catch (error) {
    if (res.headersSent) {
      log.warn({ reason: error instanceof Error ? error.name : 'unknown' }, 'an export broke off');
      res.destroy();
    } else if (error instanceof ServiceError) answer(res, STATUS[error.code], error.message);
    else {
      log.error({ reason: error instanceof Error ? error.name : 'unknown' }, 'an export failed');
      answer(res, 500, 'the export failed; the gateway’s log says what');
    }
  }
}

async function stream(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.method !== 'POST') {
    res.setHeader('allow', 'POST');
    return answer(res, 405, 'an export is asked for by POST');
  }
  const runtime = getRuntime();
  const { authorization, cookie } = req.headers;
  const actor = await sessionActor(runtime, { authorization, cookie });
  if (actor === null) throw new ServiceError('UNAUTHORIZED', 'sign in first');
  // It is recorded, and so a change: another site must not be able to make somebody's browser do it.
  if (authorization === undefined && !sameOrigin(req.headers, runtime.consoleUrl))
    throw new ServiceError('FORBIDDEN', 'this request did not come from the console’s own page');
  const now = new Date();
  const call = { store: runtime.store, secretKey: runtime.secretKey, actor };
  const { format, chunks } = await exportStatements(call, await readJson(req), now);
  const name = `statements-${now.toISOString().slice(0, 19).replaceAll(':', '')}Z.${format}`;
  res.writeHead(200, { 'content-type': TYPES[format], 'content-disposition': `attachment; filename="${name}"` });
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  for await (const { text } of chunks) {
    if (gone.signal.aborted) break;
    if (!res.write(text)) await once(res, 'drain', { signal: gone.signal }).catch(() => undefined);
  }
  res.end();
}

async function readJson(req: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of req as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY_BYTES) throw new ServiceError('INVALID', 'the request is too large');
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new ServiceError('INVALID', 'the request is not JSON');
  }
}

function answer(res: ServerResponse, status: number, message: string): void {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(`${JSON.stringify({ error: message })}\n`);
}
