import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

/** A real OIDC provider, with its own pages for signing in: whatever name is typed is the subject. */
export interface Issuer {
  url: string;
  stop(): Promise<void>;
}

export interface IssuerOptions {
  client: { client_id: string; client_secret: string; redirect_uris: string[] };
  /** What it says of a subject. */
  claimsOf(subject: string): Record<string, unknown>;
  /** Claims go into the ID token; otherwise only userinfo has them. */
  inIdToken?: boolean;
  port?: number;
}

export async function startIssuer(options: IssuerOptions): Promise<Issuer> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(url, {
    clients: [options.client],
    conformIdTokenClaims: options.inIdToken !== true,
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
    findAccount: (_context: unknown, subject: string) => ({
      accountId: subject,
      claims: async () => ({ sub: subject, ...options.claimsOf(subject) }),
    }),
    cookies: { keys: ['for tests'] },
    features: { devInteractions: { enabled: true } },
    pkce: { required: () => true },
  });
  server.on('request', provider.callback());
  return {
    url,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
