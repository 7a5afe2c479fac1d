import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { parseCheckpoint } from '../../proxy/tlog/checkpoint';
import { readLine } from '../audit/proof/lines';
import { bearer, gatewayUrl } from './client';
import { CliError } from './errors';
import type { Context } from './run';

export interface DownloadRequest {
  since: string | null;
  until: string | null;
  withValues: boolean;
  kept: readonly { origin: string; size: number }[];
}

export interface Downloaded {
  file: string;
  origin: string;
  /** Entries [from, to) */
  from: number;
  to: number;
  sizeBytes: number;
}

/** First and last line fit in it: a signed note and a few hashes. */
const EDGE_BYTES = 64 * 1024;

/** Streams the record into a file, which gets its name when all of it is there. @throws CliError */
export async function downloadRecord(context: Context, path: string, request: DownloadRequest): Promise<Downloaded> {
  const url = `${gatewayUrl(context.env)}/api/record/export`;
  const headers = { ...bearer(context.env), 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(request) }).catch(() => {
    throw new CliError(`no gateway answers at ${gatewayUrl(context.env)}: start it with npm start, or set GATEHOUSE_URL`);
  });
  if (!response.ok || response.body === null)
    throw new CliError(await refusalOf(response, gatewayUrl(context.env)), response.status === 400 ? 2 : 1);
  const partial = `${path}.partial-${process.pid}`;
  const file = await open(partial, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`${partial} cannot be written (${error.code ?? 'unknown'})`, 2);
  });
  try {
    const { edges, sizeBytes } = await take(response.body, file, context);
    await file.sync();
    const found = readEdges(edges);
    await rename(partial, path);
    return { file: path, ...found, sizeBytes };
  } catch (error) {
    await rm(partial, { force: true });
    if (error instanceof CliError) throw error;
    throw new CliError('the export broke off; nothing was written');
  } finally {
    await file.close();
    context.progress('');
  }
}

async function take(
  body: AsyncIterable<Uint8Array>,
  file: FileHandle,
  context: Context,
): Promise<{ edges: { head: Buffer; tail: Buffer }; sizeBytes: number }> {
  let head: Buffer = Buffer.alloc(0);
  let tail: Buffer = Buffer.alloc(0);
  let sizeBytes = 0;
  for await (const chunk of body) {
    await file.appendFile(chunk);
    sizeBytes += chunk.length;
    if (head.length < EDGE_BYTES) head = Buffer.concat([head, chunk]).subarray(0, EDGE_BYTES);
    tail = Buffer.concat([tail, chunk]).subarray(-EDGE_BYTES);
    context.progress(`${(sizeBytes / 1e6).toFixed(1)} MB`);
  }
  return { edges: { head, tail }, sizeBytes };
}

/** What the file says it is, by its first and last line. */
function readEdges({ head, tail }: { head: Buffer; tail: Buffer }): { origin: string; from: number; to: number } {
  const last = tail.subarray(tail.lastIndexOf(0x0a, tail.length - 2) + 1, -1);
  const said = errorLine(last);
  if (said !== null) throw new CliError(said);
  const first = readLine(head.subarray(0, head.indexOf(0x0a)));
  const end = readLine(last);
  if (first.type !== 'header' || first.header.type !== 'gatehouse-export' || end.type !== 'end')
    throw new CliError('the export broke off; nothing was written');
  return { origin: first.header.origin, from: first.header.prefix.size, to: parseCheckpoint(end.checkpoint).size };
}

function errorLine(line: Buffer): string | null {
  if (!line.toString('latin1').startsWith('{"type":"error","message":')) return null;
  const value: unknown = JSON.parse(line.toString('utf8'));
  return typeof value === 'object' && value !== null && 'message' in value ? String(value.message) : null;
}

async function refusalOf(response: Response, url: string): Promise<string> {
  if (response.status === 401) return `${url} does not accept this token: it is unknown, expired or revoked`;
  const text = await response.text().catch(() => '');
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && 'error' in value) return String(value.error);
  } catch {
    // Something else answers there.
  }
  return `${url} answered ${response.status}`;
}
