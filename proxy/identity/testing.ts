import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

/** An issuer on this machine: discovery and keys over HTTP, and whatever it signs. For tests. */
export interface TestIssuer {
  url: string;
  /** What it was asked for, in order. */
  asked: string[];
  /** The public keys it shows now. */
  keys: JWK[];
  /** What it answers with instead of its own documents; null for no answer at all. */
  answer: ((request: http.IncomingMessage, response: http.ServerResponse) => void) | null | undefined;
  sign(claims: JWTPayload, header?: { kid?: string; typ?: string; alg?: string; [name: string]: unknown }): Promise<string>;
  /** Signs with another key from now on, and shows only that one. */
  rotate(kid: string): Promise<void>;
  /** Its private key, for what no issuer would sign. */
  privateKey(): CryptoKey;
  close(): Promise<void>;
}

/** A pair of keys to sign with. Making one takes a moment, which tests of one issuer after another need not wait for each time. */
export const newSigningKeys = () => generateKeyPair('RS256', { extractable: true });
type SigningKeys = Awaited<ReturnType<typeof newSigningKeys>>;

/** @param keys what it signs with at first, its own where not said */
export async function openTestIssuer(keys?: SigningKeys): Promise<TestIssuer> {
  let current: { kid: string; privateKey: CryptoKey };
  const issuer: Omit<TestIssuer, 'url' | 'close'> = {
    asked: [],
    keys: [],
    answer: undefined,
    async sign(claims, { kid = current.kid, alg = 'RS256', ...header } = {}) {
      return new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(current.privateKey);
    },
    rotate: async (kid) => signWith(kid, await newSigningKeys()),
    privateKey: () => current.privateKey,
  };
  const signWith = async (kid: string, { privateKey, publicKey }: SigningKeys) => {
    current = { kid, privateKey };
    issuer.keys = [{ ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }];
  };
  await signWith('first', keys ?? (await newSigningKeys()));
  const server = http.createServer((request, response) => {
    issuer.asked.push(request.url ?? '');
    if (issuer.answer === null) return;
    if (issuer.answer !== undefined) return issuer.answer(request, response);
    const documents: Record<string, object> = {
      '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/keys` },
      '/keys': { keys: issuer.keys },
    };
    const document = documents[request.url ?? ''];
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(document ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(issuer, {
    url,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}
