import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { PASSKEY_PATH } from './auth/passkey/browser';
import type { Readiness } from './health';
import { log } from './log';
import { type Attempts, createAttempts } from './web/attempts';
import { addressOf, NO_PROXIES, type TrustedProxies } from './web/clientAddress';
import { fromAnotherSite } from './web/crossSite';
import { contentSecurityPolicy, newNonce, securityHeaders } from './web/headers';

type Handler = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

/** What the console's address serves; filled in as the parts come up, and until then each answers 503. */
export interface Routes extends Handlers {
  readiness?: () => Promise<Readiness>;
  metrics?: Registry;
}

export interface Handlers {
  api?: Handler;
  slack?: Handler;
  saml?: Handler;
  scim?: Handler;
  /** Challenges for signing in with a passkey. */
  passkey?: Handler;
  /** Tokens for programs: exchange and device flow. */
  token?: Handler;
  recordExport?: Handler;
  exports?: Handler;
  pages?: Handler;
}

export interface HttpServer {
  server: Server;
  port: number;
  routes: Routes;
  /** Ends open event streams too. */
  close(): Promise<void>;
}

export interface HttpOptions {
  host: string;
  port: number;
  /** What people type to reach the console; null: made from host and port. */
  consoleUrl?: string | null;
  dev?: boolean;
  /** Whose X-Forwarded-For counts. */
  trustedProxies?: TrustedProxies;
}

/**
 * Longer than proxies in front keep a connection they do not use (60 s is usual): who ends it first must be them, or a request that they
 * send at that moment is lost.
 */
const KEEP_ALIVE_MS = 75_000;

/** Opens the console's port, before anything else is up: a taken port is known at once, and `/healthz` answers from then on. */
export async function listenHttp(options: HttpOptions): Promise<HttpServer> {
  const routes: Routes = {};
  const consoleUrl = options.consoleUrl ?? null;
  const rules = { https: consoleUrl?.startsWith('https:') === true, dev: options.dev === true };
  const limits = { attempts: createAttempts(), beginnings: createAttempts({ failures: MOST_BEGINNINGS_A_MINUTE }) };
  const trusted = options.trustedProxies ?? NO_PROXIES;
  const server = createServer((req, res) => {
    const nonce = newNonce();
    for (const [name, value] of securityHeaders(rules, nonce)) res.setHeader(name, value);
    // Pages take it from here; what a client sends under these names does not count.
    req.headers['x-nonce'] = nonce;
    req.headers['content-security-policy'] = contentSecurityPolicy(rules, nonce);
    if (fromAnotherSite({ method: req.method, path: pathOf(req), headers: req.headers }, consoleUrl))
      return answer(res, 403, 'This request did not come from the console’s own page.');
    if (refusedFor(limits, req, res, trusted)) return;
    void route(routes, req, res).catch((error: unknown) => {
      log.error({ err: error, path: pathOf(req) }, 'request failed');
      if (!res.headersSent) answer(res, 500, 'Something failed; the server log says what.');
      else res.destroy();
    });
  });
  server.requestTimeout = 60_000;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
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

/** Sign-ons that one address begins in a minute: each is a row in the store, or a request to the provider, and many people share an address. */
const MOST_BEGINNINGS_A_MINUTE = 120;

interface Limits {
  /** Sign-ins that failed. */
  attempts: Attempts;
  /** Sign-ons by a provider that were begun, whatever came of them. */
  beginnings: Attempts;
}

/** Whoever tries secrets has to wait, and whoever begins without end: 429 for an address with too many of either. */
function refusedFor({ attempts, beginnings }: Limits, req: IncomingMessage, res: ServerResponse, trusted: TrustedProxies): boolean {
  const begins = isBeginning(req);
  if (!begins && !isAttempt(req)) return false;
  const address = addressOf(req, trusted);
  const nowMs = Date.now();
  const waitS = (begins ? beginnings : attempts).blocked(address, nowMs);
  if (waitS !== null) {
    res.setHeader('retry-after', String(waitS));
    answer(res, 429, `Too many ${begins ? 'sign-ins begun' : 'failed sign-ins'}; try again in a minute.`);
    return true;
  }
  if (begins) beginnings.failed(address, nowMs);
  res.once('finish', () => {
    if (res.statusCode === 401) attempts.failed(address, Date.now());
  });
  return false;
}

/** Requests that carry a secret that may be wrong. */
const isAttempt = (req: IncomingMessage): boolean =>
  req.headers.authorization !== undefined || (req.method === 'POST' && /^\/api\/(auth\/callback\/|saml\/|token)/.test(pathOf(req)));

/** Requests that lead to a provider. */
const isBeginning = (req: IncomingMessage): boolean => /^\/api\/(auth\/signin\/.|saml\/[^/]+\/login$)/.test(pathOf(req));

/** What the port answers of its own accord, from the first moment on. */
const OWN: Readonly<Record<string, (routes: Routes, res: ServerResponse) => void | Promise<void>>> = {
  '/healthz': (_, res) => answer(res, 200, 'ok'),
  async '/readyz'({ readiness }, res) {
    const state = (await readiness?.()) ?? { ready: false, checks: {} };
    answer(res, state.ready ? 200 : 503, JSON.stringify(state), 'application/json');
  },
  async '/metrics'({ metrics }, res) {
    if (metrics === undefined) starting(res);
    else answer(res, 200, await metrics.metrics(), metrics.contentType);
  },
};

/** Which part answers an address; one that ends with a slash stands for all below it. */
const MOUNTS: Readonly<Record<string, keyof Handlers>> = {
  '/api/trpc/': 'api',
  '/api/slack/interactions': 'slack',
  '/api/record/export': 'recordExport',
  '/api/audit/export': 'exports',
  '/api/token': 'token',
  '/api/token/revoke': 'token',
  '/api/device': 'token',
  [PASSKEY_PATH]: 'passkey',
  '/api/saml/': 'saml',
  '/scim/v2/': 'scim',
};
const MOUNTED = Object.entries(MOUNTS);

/** Every address that is no page. */
export const ADDRESSES: readonly string[] = [...Object.keys(OWN), ...Object.keys(MOUNTS)];

async function route(routes: Routes, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const path = pathOf(req);
  const own = Object.hasOwn(OWN, path) ? OWN[path] : undefined;
  if (own !== undefined) return own(routes, res);
  const mounted = MOUNTED.find(([at]) => (at.endsWith('/') ? path.startsWith(at) : path === at));
  const handler = routes[mounted?.[1] ?? 'pages'];
  return handler === undefined ? starting(res) : handler(req, res);
}

function starting(res: ServerResponse): void {
  res.setHeader('retry-after', '1');
  answer(res, 503, 'Gatehouse is starting.');
}

function pathOf(req: IncomingMessage): string {
  return (req.url ?? '/').split('?', 1)[0] ?? '/';
}

function answer(res: ServerResponse, status: number, body: string, contentType = 'text/plain; charset=utf-8'): void {
  res.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  res.end(`${body}\n`);
}
