import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ExportFormat, exportStatements } from '../audit/export';
import { ServiceError } from '../errors';
import { log } from '../log';
import { answer, callOf, readJson, STATUS, sendAll } from './streamed';

const TYPES = {
  csv: 'text/csv; charset=utf-8; header=present',
  jsonl: 'application/jsonl; charset=utf-8',
} as const satisfies Record<ExportFormat, string>;

/**
 * POST /api/audit/export with JSON `{ format, q, from, to, sort }`. Streams an export, as fast as its reader takes it. A failure after the
 * first byte breaks the connection, so that half a file never looks like a whole one.
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
  const call = await callOf(req);
  const now = new Date();
  const { format, chunks } = await exportStatements(call, await readJson(req), now);
  const name = `statements-${now.toISOString().slice(0, 19).replaceAll(':', '')}Z.${format}`;
  res.writeHead(200, { 'content-type': TYPES[format], 'content-disposition': `attachment; filename="${name}"` });
  await sendAll(res, textsOf(chunks));
}

async function* textsOf(chunks: AsyncIterable<{ text: string }>): AsyncGenerator<string> {
  for await (const { text } of chunks) yield text;
}
