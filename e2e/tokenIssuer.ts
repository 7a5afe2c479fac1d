import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

/** What a client of the issuer gets in its tokens. */
export interface Persona {
  claims?: Record<string, unknown>;
  ttlS?: number;
}

/** A real OIDC provider that hands out JWT access tokens: by client credentials, and to a person by a device (RFC 8628). */
export interface TokenIssuer {
  url: string;
  personas: Record<string, Persona>;
  /** How often its keys were asked for. */
  keysAsked(): number;
  token(persona: string): Promise<string>;
  /** Signs with a new key from now on, and shows only that. */
  rotate(): void;
  /** Takes connections and answers none of them, or goes on. */
  hang(on: boolean): void;
  stop(): Promise<void>;
}

export const AUDIENCE = 'https://gatehouse.example';
export const DEVICE_CLIENT = 'gatehouse-cli';
const SECRET = randomBytes(12).toString('hex');

/** @param personas by client id; each has its own client */
export async function startTokenIssuer(personas: Record<string, Persona>): Promise<TokenIssuer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let answer: ReturnType<Provider['callback']>;
  let hanging = false;
  let asked = 0;
  let keys = 0;
  const rotate = () => {
    const jwk = {
      ...generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ format: 'jwk' }),
      kid: `key-${++keys}`,
      use: 'sig',
    };
    answer = new Provider(url, configuration(personas, jwk)).callback();
  };
  rotate();
  server.on('request', (request, response) => {
    if (request.url === '/jwks') asked++;
    if (!hanging) answer(request, response);
  });
  return {
    url,
    personas,
    keysAsked: () => asked,
    rotate,
    async token(persona) {
      const response = await fetch(`${url}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${persona}:${SECRET}`).toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: AUDIENCE }),
      });
      const body = (await response.json()) as { access_token?: string };
      if (body.access_token === undefined) throw new Error(`no token: ${JSON.stringify(body)}`);
      return body.access_token;
    },
    hang(on) {
      hanging = on;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const configuration = (personas: Record<string, Persona>, jwk: object) => ({
  jwks: { keys: [jwk] },
  cookies: { keys: ['for tests'] },
  clients: [
    ...Object.keys(personas).map((id) => ({
      client_id: id,
      client_secret: SECRET,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })),
    {
      client_id: DEVICE_CLIENT,
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
      redirect_uris: [],
      response_types: [],
    },
  ],
  claims: { openid: ['sub'] },
  findAccount: (_context: unknown, subject: string) => ({ accountId: subject, claims: async () => ({ sub: subject }) }),
  extraTokenClaims: (_context: unknown, token: { clientId?: string; accountId?: string }) =>
    personas[token.accountId ?? token.clientId ?? '']?.claims,
  ttl: {
    ClientCredentials: (_context: unknown, _token: unknown, client: { clientId: string }) => personas[client.clientId]?.ttlS ?? 600,
    AccessToken: 600,
  },
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => AUDIENCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'sql', audience: AUDIENCE, accessTokenFormat: 'jwt' }),
    },
  },
});
