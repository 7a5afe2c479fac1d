import type { HttpServer } from '../http';

/** Starts Next behind the console's port. Imported only now, so that it does not delay the proxy. */
export async function bootPages(http: HttpServer, options: { dir: string; dev: boolean; host: string }): Promise<() => Promise<void>> {
  const { default: next } = await import('next');
  const app = next({ dev: options.dev, dir: options.dir, hostname: options.host, port: http.port, httpServer: http.server });
  await app.prepare();
  const handle = app.getRequestHandler();
  http.routes.pages = (req, res) => handle(req, res);
  return () => app.close();
}
