import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface Answer {
  status: number;
  body?: string;
  headers?: Record<string, string>;
}

/** A server on loopback that answers as it is told; tests only. `port` opens it again where it was before. */
export async function answering(
  answer: (request: Received) => Answer | Promise<Answer>,
  port = 0,
): Promise<{ url: string; port: number; close(): Promise<void> }> {
  const server = createServer((req, res) => {
    void (async () => {
      const request = { method: req.method ?? '', path: req.url ?? '', headers: headersOf(req), body: await bodyOf(req) };
      const { status, body = '', headers = {} } = await answer(request);
      res.writeHead(status, headers).end(body);
    })();
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const opened = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${opened}`,
    port: opened,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

const headersOf = (req: IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(req.headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])));

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
