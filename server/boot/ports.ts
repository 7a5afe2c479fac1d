import { createServer } from 'node:net';

/** Says in words why a port cannot be opened and which setting names another. */
export function explainListenError(error: unknown, setting: 'PORT' | 'PROXY_PORT', host: string, port: number): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  const hostSetting = setting === 'PORT' ? 'HOST' : 'PROXY_HOST';
  switch (code) {
    case 'EADDRINUSE':
      return new Error(`port ${port} on ${host} is in use; stop what uses it, or set ${setting} to another port`);
    case 'EACCES':
      return new Error(`port ${port} needs privileges this account does not have; set ${setting} to a port above 1023`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new Error(`this machine has no address ${host}; set ${hostSetting} to one it has`);
    default:
      return new Error(`port ${port} on ${host} cannot be opened: ${message}`);
  }
}

/** Tries the proxy's port before anything is started for it. The workers open it for good. */
export async function probeProxyPort(host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(explainListenError(error, 'PROXY_PORT', host, port)));
    server.listen({ host, port }, () => server.close(() => resolve()));
  });
}
