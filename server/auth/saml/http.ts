import type { IncomingMessage, ServerResponse } from 'node:http';

const MOST_BODY_BYTES = 256 * 1024;

/** Null for what is no form, or too long. */
export async function readForm(req: IncomingMessage): Promise<URLSearchParams | null> {
  if (req.headers['content-type']?.split(';')[0]?.trim().toLowerCase() !== 'application/x-www-form-urlencoded') return null;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MOST_BODY_BYTES) return null;
    chunks.push(bytes);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

export function go(res: ServerResponse, location: string): void {
  res.writeHead(303, { location });
  res.end();
}

export function end(res: ServerResponse, status: number, words: string): void {
  res.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  res.end(`${words}\n`);
}
