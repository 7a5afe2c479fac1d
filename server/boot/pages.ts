import type { HttpServer } from '../http';

export interface Pages {
  /** From now on the console's port answers with pages. */
  serve(): void;
  close(): Promise<void>;
}

/** Loads Next behind the console's port. No page is answered before `serve`. */
export async function preparePages(http: HttpServer, options: { dir: string; dev: boolean; host: string }): Promise<Pages> {
  const { default: next } = await import('next');
  const app = next({ dev: options.dev, dir: options.dir, hostname: options.host, port: http.port, httpServer: http.server });
  await app.prepare();
  const handle = app.getRequestHandler();
  return {
    serve: () => {
      http.routes.pages = (req, res) => handle(req, res);
    },
    close: () => app.close(),
  };
}
