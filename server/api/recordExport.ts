import type { IncomingMessage, ServerResponse } from 'node:http';
import { codeOf } from '../../proxy/worker/shownError';
import { ServiceError } from '../errors';
import { log } from '../log';
import { brokenOff, exportRecord } from '../record/export';
import { getRuntime } from '../runtime';
import { answer, callOf, readJson, STATUS, sendAll } from './streamed';

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
    if (res.headersSent) res.end(`${JSON.stringify({ type: 'error', message: brokenOff(error) })}\n`);
    else answer(res, known === null ? 500 : STATUS[known.code], known?.message ?? brokenOff(error));
  }
}

async function stream(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.method !== 'POST') throw new ServiceError('INVALID', 'an export is asked for by POST');
  const call = await callOf(req);
  const { chunks } = await exportRecord(call, getRuntime().dataDir, await readJson(req));
  res.writeHead(200, { 'content-type': 'application/jsonl; charset=utf-8' });
  await sendAll(res, chunks);
}
