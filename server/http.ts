import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import type { Readiness } from './health';
import { log } from './log';

type Handler = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

/** What the console's address serves; filled in as the parts come up, and until then each answers 503. */
export interface Routes {
  readiness?: () => Promise<Readiness>;
  metrics?: Registry;
  api?: Handler;
  slack?: Handler;
  saml?: Handler;
  recordExport?: Handler;
  exports?: Handler;
  pages?: Handler;
}

/** On every answer: an approval page that another site could frame could be clicked for its reviewer. */
const SECURITY_HEADERS: readonly [string, string][] = [
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['content-security-policy', "frame-ancestors 'none'; base-uri 'self'; object-src 'none'; form-action 'self'"],
  ['referrer-policy', 'same-origin'],
];

export interface HttpServer {
  server: Server;
  port: number;
  routes: Routes;
  /** Ends open event streams too. */
  close(): Promise<void>;
}

/** Opens the console's port, before anything else is up: a taken port is known at once, and `/healthz` answers from then on. */
export async function listenHttp(options: { host: string; port: number }): Promise<HttpServer> {
  const routes: Routes = {};
  const server = createServer((req, res) => {
    for (const [name, value] of SECURITY_HEADERS) res.setHeader(name, value);
    void route(routes, req, res).catch((error: unknown) => {
      log.error({ err: error, path: pathOf(req) }, 'request failed');
      if (!res.headersSent) answer(res, 500, 'Something failed; the server log says what.');
      else res.destroy();
    });
  });
  server.requestTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port }, () => resolve());
  });
  const address = server.address();
  return {
    server,
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    routes,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

async function route(routes: Routes, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const path = pathOf(req);
  if (path === '/healthz') return answer(res, 200, 'ok');
  if (path === '/readyz') {
    const state = (await routes.readiness?.()) ?? { ready: false, checks: {} };
    return answer(res, state.ready ? 200 : 503, JSON.stringify(state), 'application/json');
  }
  if (path === '/metrics' && routes.metrics !== undefined)
    return answer(res, 200, await routes.metrics.metrics(), routes.metrics.contentType);
  const handler = handlerOf(routes, path);
  if (handler === undefined) {
    res.setHeader('retry-after', '1');
    return answer(res, 503, 'Gatehouse is starting.');
  }
  return handler(req, res);
}

function handlerOf(routes: Routes, path: string): Handler | undefined {
  if (path.startsWith('/api/trpc/')) return routes.api;
  if (path === '/api/slack/interactions') return routes.slack;
  if (path === '/api/record/export') return routes.recordExport;
  if (path === '/api/audit/export') return routes.exports;
  if (path.startsWith('/api/saml/')) return routes.saml;
  return routes.pages;
}

function pathOf(req: IncomingMessage): string {
  return (req.url ?? '/').split('?', 1)[0] ?? '/';
}

function answer(res: ServerResponse, status: number, body: string, contentType = 'text/plain; charset=utf-8'): void {
  res.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  res.end(`${body}\n`);
}
