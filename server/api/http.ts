import type { IncomingMessage, ServerResponse } from 'node:http';
import { nodeHTTPRequestHandler } from '@trpc/server/adapters/node-http';
import { whoAsks } from '../auth/session';
import { given } from '../input';
import { getRuntime } from '../runtime';
import { appRouter } from './router';
import { sameOrigin } from './sameOrigin';
import type { ApiContext } from './trpc';

/** Where the API is mounted, in front of Next. */
export const API_PATH = '/api/trpc/';

/** A policy document is the largest thing anyone sends. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** Serves tRPC under {@link API_PATH}. Never throws: what fails is answered, and its cause logged, by the router's error middleware. */
export function createApiHandler(): (req: IncomingMessage, res: ServerResponse) => void {
  return (req, res) => {
    const { pathname } = new URL(req.url ?? '/', 'http://gatehouse.invalid');
    res.setHeader('cache-control', 'no-store');
    void nodeHTTPRequestHandler({
      router: appRouter,
      path: pathname.slice(API_PATH.length),
      req,
      res,
      createContext: () => createContext(req),
      maxBodySize: MAX_BODY_BYTES,
    });
  };
}

async function createContext(req: IncomingMessage): Promise<ApiContext> {
  const runtime = getRuntime();
  const { authorization, cookie } = req.headers;
  const asking = await whoAsks(runtime, { authorization, cookie });
  const forgeable = authorization === undefined && !sameOrigin(req.headers, runtime.consoleUrl);
  const { store, secretKey } = runtime;
  if (asking === null) return { call: { store, secretKey }, actor: null, forgeable };
  const { actor, connections, browser, signOn } = asking;
  const call = { store, secretKey, ...given({ browser, signOn }) };
  return connections === null ? { call, actor, forgeable } : { call, actor: null, limited: { actor, connections }, forgeable };
}
