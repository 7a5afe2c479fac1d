import { createHmac, generateKeyPairSync } from 'node:crypto';
import { CompactEncrypt, exportJWK, exportSPKI, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { IdentityRefused, IssuerUnavailable } from './assertion';
import { claimWords } from './claim';
import { newSigningKeys, openTestIssuer, type TestIssuer } from './testing';
import { createJwtVerifier, type JwtVerifier, type KnownProvider, looksLikeJwt } from './verifyJwt';

const now = new Date('2026-06-01T12:00:00Z');
const at = (seconds: number) => now.getTime() / 1_000 + seconds;
const SKEW_S = 30;

const keys = await newSigningKeys();
let issuer: TestIssuer;
let verifier: JwtVerifier;
let clockMs: number;
beforeEach(async () => {
  issuer = await openTestIssuer(keys);
  clockMs = 0;
  verifier = createJwtVerifier(() => clockMs);
});
afterEach(() => issuer.close());

type KnownOidc = Extract<KnownProvider, { type: 'oidc' }>;
const provider = (changed: Partial<KnownOidc> = {}): KnownOidc => ({
  id: 'idp_1',
  type: 'oidc',
  name: 'corp',
  issuer: issuer.url,
  audiences: ['gatehouse', 'other-door'],
  algorithms: ['RS256', 'ES256'],
  clockSkewMs: SKEW_S * 1_000,
  principal: { claim: 'email' },
  ...changed,
});
const claims = (changed: JWTPayload = {}): JWTPayload => ({
  iss: issuer.url,
  aud: 'gatehouse',
  sub: 'u1',
  email: 'ada@example.com',
  iat: at(-10),
  exp: at(600),
  ...changed,
});
const without = (name: string) => Object.fromEntries(Object.entries(claims()).filter(([key]) => key !== name));
const verify = (jwt: string, providers: KnownProvider[] = [provider()]) => verifier.verify(providers, jwt, now);
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const parts = (jwt: string) => jwt.split('.') as [string, string, string];

describe('what is believed', () => {
  test('a JWT of the issuer, with who acts for whom', async () => {
    const jwt = await issuer.sign(claims({ jti: 'j1', azp: 'mcp', act: { sub: 'bot', act: { sub: 'outer' } } }), { typ: 'JWT' });
    expect(await verify(jwt)).toMatchObject({
      providerId: 'idp_1',
      provider: 'corp',
      issuer: issuer.url,
      subject: 'u1',
      claims: { email: 'ada@example.com' },
      actors: ['bot', 'outer'],
      client: 'mcp',
      tokenId: 'j1',
      issuedAt: new Date(at(-10) * 1_000),
      expiresAt: new Date(at(600) * 1_000),
    });
  });

  test.each<[string, JWTPayload, object]>([
    ['client_id where there is no azp', { client_id: 'cli' }, { client: 'cli', actors: [], tokenId: null }],
    ['one audience of several', { aud: ['x', 'other-door'] }, {}],
    ['expired, within the skew: what is left of it', { exp: at(-SKEW_S + 1) }, { expiresAt: new Date(at(1) * 1_000) }],
    ['nbf at the edge of the skew', { nbf: at(SKEW_S) }, {}],
    ['iat at the edge of the skew', { iat: at(SKEW_S) }, {}],
    ['an exp beyond all dates', { exp: 1e300 }, { expiresAt: new Date(8.64e15) }],
  ])('%s', async (_what, changed, expected) => {
    expect(await verify(await issuer.sign(claims(changed)))).toMatchObject(expected);
  });

  test('no iat, no typ, at+jwt, any letters', async () => {
    expect((await verify(await issuer.sign(without('iat')))).issuedAt).toBeNull();
    for (const typ of ['at+jwt', 'jwt', 'application/at+JWT']) expect(await verify(await issuer.sign(claims(), { typ }))).toBeTruthy();
  });

  test('a key by its kind, where the JWT names none and the issuer has several', async () => {
    const other = await generateKeyPair('RS256');
    issuer.keys.unshift({ ...(await exportJWK(other.publicKey)), kid: 'older', alg: 'RS256' });
    const jwt = await new SignJWT(claims()).setProtectedHeader({ alg: 'RS256' }).sign(issuer.privateKey());
    expect((await verify(jwt)).subject).toBe('u1');
    const forged = await new SignJWT(claims()).setProtectedHeader({ alg: 'RS256' }).sign((await generateKeyPair('RS256')).privateKey);
    await expect(verify(forged)).rejects.toThrow(IdentityRefused);
  });

  test('the provider whose issuer it is, exactly', async () => {
    const second = await openTestIssuer();
    const both = [provider(), provider({ id: 'idp_2', name: 'ci', issuer: second.url })];
    expect((await verify(await second.sign(claims({ iss: second.url })), both)).providerId).toBe('idp_2');
    // Signed by the one, in the name of the other.
    await expect(verify(await second.sign(claims()), both)).rejects.toThrow('signature is wrong');
    await second.close();
  });

  test('claims that the provider requires', async () => {
    const required = provider({ require: { 'kubernetes.io.namespace': ['prod', 'ops'], roles: ['writer'] } });
    const said = { 'kubernetes.io': { namespace: 'ops' }, roles: ['reader', 'writer'] };
    expect(await verify(await issuer.sign(claims(said)), [required])).toBeTruthy();
    await expect(verify(await issuer.sign(claims({ ...said, roles: ['reader'] })), [required])).rejects.toThrow('claim roles');
    await expect(verify(await issuer.sign(claims({ roles: ['writer'] })), [required])).rejects.toThrow('claim kubernetes.io.namespace');
  });
});

describe('what is refused', () => {
  test.each<[string, () => JWTPayload, RegExp]>([
    ['expired', () => claims({ exp: at(-SKEW_S) }), /expired/],
    ['not yet valid', () => claims({ nbf: at(SKEW_S + 1) }), /not valid yet/],
    ['issued in the future', () => claims({ iat: at(SKEW_S + 1) }), /in the future/],
    ['another audience', () => claims({ aud: 'somebody-else' }), /audience/],
    ['no audience', () => without('aud'), /audience/],
    ['another issuer', () => claims({ iss: 'https://evil.example' }), /no identity provider/],
    ['an issuer that only looks the same', () => claims({ iss: `${issuer.url}/` }), /no identity provider/],
    ['no issuer', () => without('iss'), /no identity provider/],
    ['no exp', () => without('exp'), /no time of expiry/],
    ['exp that is no number', () => ({ ...claims(), exp: '99999999999' }) as unknown as JWTPayload, /expiry/],
    ['no subject', () => without('sub'), /no subject/],
    ['an empty subject', () => claims({ sub: '' }), /no subject/],
    ['a subject that is no text', () => ({ ...claims(), sub: 7 }) as unknown as JWTPayload, /no subject/],
    ['a logout token', () => claims({ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }), /event/],
    ['an actor without a subject', () => claims({ act: { act: { sub: 'x' } } }), /act claim/],
    ['an actor that is a text', () => claims({ act: 'bot' }), /act claim/],
  ])('%s', async (_what, said, words) => {
    const refused = verify(await issuer.sign(said()));
    await expect(refused).rejects.toThrow(words);
    await expect(refused).rejects.toBeInstanceOf(IdentityRefused);
  });

  test.each(['logout+jwt', 'secevent+jwt', 'dpop+jwt', 'id-token', ''])('typ %j', async (typ) => {
    await expect(verify(await issuer.sign(claims(), { typ }))).rejects.toThrow(/typ/);
  });

  test('tampered claims, tampered signature, no signature', async () => {
    const [header, , signature] = parts(await issuer.sign(claims()));
    const changed = part(claims({ email: 'root@example.com' }));
    await expect(verify(`${header}.${changed}.${signature}`)).rejects.toThrow('signature is wrong');
    await expect(verify(`${header}.${part(claims())}.`)).rejects.toThrow(IdentityRefused);
    const flipped = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
    await expect(verify(`${header}.${part(claims())}.${flipped}`)).rejects.toThrow('signature is wrong');
  });

  test('alg none, in every spelling', async () => {
    await expect(verify(new UnsecuredJWT(claims()).encode())).rejects.toThrow('algorithm is not allowed');
    for (const alg of ['None', 'NONE', 'nOnE']) await expect(verify(`${part({ alg })}.${part(claims())}.`)).rejects.toThrow('algorithm');
  });

  test('HS256 with the public key as the secret, in each form it is published in', async () => {
    const [jwk] = issuer.keys as [JWK];
    const pem = await exportSPKI((await importJWK({ ...jwk }, 'RS256')) as CryptoKey);
    for (const secret of [pem, pem.trim(), JSON.stringify(jwk), jwk.n ?? '']) {
      const text = `${part({ alg: 'HS256', kid: 'first' })}.${part(claims())}`;
      const forged = `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
      await expect(verify(forged)).rejects.toThrow('algorithm is not allowed');
    }
  });

  test('an algorithm the issuer could use and the policy does not allow', async () => {
    await expect(verify(await issuer.sign(claims()), [provider({ algorithms: ['ES256'] })])).rejects.toThrow('algorithm is not allowed');
  });

  test('a key that the JWT brings along or points to is not looked at', async () => {
    const own = await generateKeyPair('RS256', { extractable: true });
    const jwk = await exportJWK(own.publicKey);
    const trap = await openTestIssuer();
    for (const header of [{ jwk }, { jku: `${trap.url}/keys` }, { x5u: `${trap.url}/keys` }, { jwk, kid: 'first' }]) {
      const forged = await new SignJWT(claims()).setProtectedHeader({ alg: 'RS256', ...header } as { alg: string }).sign(own.privateKey);
      await expect(verify(forged)).rejects.toThrow(IdentityRefused);
    }
    expect(trap.asked).toEqual([]);
    await trap.close();
  });

  test('critical headers, encryption, what is too large or no JWT at all', async () => {
    const [, payload, signature] = parts(await issuer.sign(claims()));
    await expect(verify(`${part({ alg: 'RS256', crit: ['b64'], b64: false })}.${payload}.${signature}`)).rejects.toThrow('critical');
    const rsa = await generateKeyPair('RSA-OAEP');
    const jwe = await new CompactEncrypt(Buffer.from('{}')).setProtectedHeader({ alg: 'RSA-OAEP', enc: 'A256GCM' }).encrypt(rsa.publicKey);
    await expect(verify(jwe)).rejects.toThrow('encrypted');
    await expect(verify(await issuer.sign(claims({ pad: 'x'.repeat(17_000) })))).rejects.toThrow('too large');
    for (const text of ['', 'eyJ', 'eyJ.eyJ.x', 'eyJhbGciOiJSUzI1NiJ9.bm9qc29u.AAAA', `eyJ\n.${payload}.${signature}`])
      await expect(verify(text)).rejects.toThrow(IdentityRefused);
    expect(issuer.asked).toEqual([]);
  });

  test('no words hold anything of the JWT', async () => {
    const forged = await issuer.sign(claims({ aud: 'canary-audience', sub: 'canary-subject' }), { kid: 'canary-kid', typ: 'canary' });
    const error: Error = await verify(forged).then(
      () => new Error('believed'),
      (refused: Error) => refused,
    );
    expect(JSON.stringify([error.message, error.cause ?? null])).not.toContain('canary');
  });
});

describe('keys', () => {
  test('are fetched once for many, and again when they are old', async () => {
    const jwt = await issuer.sign(claims());
    await Promise.all(Array.from({ length: 20 }, () => verify(jwt)));
    clockMs += 9 * 60_000;
    await verify(jwt);
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/keys']);
    clockMs += 60_000;
    await verify(jwt);
    expect(issuer.asked).toHaveLength(4);
  });

  test('rotate without anybody being refused; names that nobody knows ask once in 5 s', async () => {
    await verify(await issuer.sign(claims()));
    clockMs += 5_000;
    await issuer.rotate('second');
    const rotated = await issuer.sign(claims());
    expect(await Promise.all([verify(rotated), verify(rotated)])).toHaveLength(2);
    expect(issuer.asked.filter((path) => path === '/keys')).toHaveLength(2);
    const unknown = await issuer.sign(claims(), { kid: 'nobody' });
    for (let i = 0; i < 10; i++) await expect(verify(unknown)).rejects.toThrow('no key of the issuer');
    expect(issuer.asked.filter((path) => path === '/keys')).toHaveLength(2);
    clockMs += 5_000;
    await expect(verify(unknown)).rejects.toThrow('no key of the issuer');
    expect(issuer.asked.filter((path) => path === '/keys')).toHaveLength(3);
  });

  test('that the issuer no longer shows are not believed when the others were fetched', async () => {
    const before = await issuer.sign(claims());
    await verify(before);
    await issuer.rotate('second');
    clockMs += 10 * 60_000;
    await expect(verify(before)).rejects.toThrow(IdentityRefused);
  });

  test('outlive an issuer that is away, for an hour', async () => {
    const jwt = await issuer.sign(claims());
    await verify(jwt);
    issuer.answer = (_request, response) => response.writeHead(503).end();
    clockMs += 59 * 60_000;
    expect((await verify(jwt)).subject).toBe('u1');
    await expect(verify(await issuer.sign(claims(), { kid: 'new' }))).rejects.toThrow(IssuerUnavailable);
    clockMs += 60_000;
    await expect(verify(jwt)).rejects.toThrow(IssuerUnavailable);
    issuer.answer = undefined;
    clockMs += 5_000;
    expect((await verify(jwt)).subject).toBe('u1');
  });

  test('of an issuer that never answers are waited for less than 3 s, and then for nothing for a while', async () => {
    issuer.answer = null;
    const jwt = await issuer.sign(claims());
    let startedMs = performance.now();
    await expect(verify(jwt)).rejects.toThrow('identity provider corp cannot be reached');
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    startedMs = performance.now();
    await expect(verify(jwt)).rejects.toThrow(IssuerUnavailable);
    expect(performance.now() - startedMs).toBeLessThan(100);
    expect(issuer.asked).toHaveLength(1);
  });

  test.each<[string, (issuer: TestIssuer) => TestIssuer['answer']]>([
    ['a redirect', () => (_request, response) => void response.writeHead(302, { location: '/keys' }).end()],
    ['no JSON', () => (_request, response) => void response.end('<html>')],
    ['no key set', () => (_request, response) => void response.end('{"keys":7}')],
    ['no end', () => (_request, response) => void response.end(JSON.stringify({ keys: [], pad: 'x'.repeat(300_000) }))],
    ['too many', () => (_request, response) => void response.end(JSON.stringify({ keys: Array(101).fill({ kty: 'RSA' }) }))],
    ['drops out', () => (request) => void request.socket.destroy()],
  ])('are not had from an answer that is %s', async (_what, make) => {
    issuer.answer = make(issuer);
    await expect(verify(await issuer.sign(claims()), [provider({ jwksUri: `${issuer.url}/keys` })])).rejects.toThrow(IssuerUnavailable);
    expect(issuer.asked).toEqual(['/keys']);
  });

  test.each<[string, () => object]>([
    ['another issuer', () => ({ issuer: 'https://evil.example', jwks_uri: `${issuer.url}/keys` })],
    ['no keys', () => ({})],
    ['keys over plain http elsewhere', () => ({ jwks_uri: `${issuer.url.replace('127.0.0.1', 'localhost')}/keys` })],
  ])('are not fetched where discovery speaks of %s', async (_what, document) => {
    issuer.answer = (_request, response) => void response.end(JSON.stringify({ issuer: issuer.url, keys: issuer.keys, ...document() }));
    await expect(verify(await issuer.sign(claims()))).rejects.toThrow(IssuerUnavailable);
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration']);
  });

  test('that share a secret or are too short prove nothing', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1_024 });
    issuer.keys.push({ ...publicKey.export({ format: 'jwk' }), kid: 'short' } as JWK);
    issuer.keys.push({ kty: 'oct', k: Buffer.from('secret').toString('base64url'), kid: 'shared' });
    const text = `${part({ alg: 'RS256', kid: 'short' })}.${part(claims())}`;
    const { sign } = await import('node:crypto');
    await expect(verify(`${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`)).rejects.toThrow(IdentityRefused);
  });

  test('are those of the provider as the policy has it now', async () => {
    const jwt = await issuer.sign(claims());
    await verify(jwt);
    await expect(verify(jwt, [])).rejects.toThrow('no identity provider');
    await verify(jwt, [provider({ jwksUri: `${issuer.url}/keys` })]);
    expect(issuer.asked).toHaveLength(3);
  });
});

test.each([
  ['a.b.c', false],
  ['gh_at_abc', false],
  ['eyJhbGciOiJub25lIn0.eyJ9.', true],
  ['eyJhbGciOiJub25lIn0.eyJ9.sig-_', true],
  ['eyJhbGciOiJub25lIn0.eyJ9.sig.x.y', false],
  ['eyJhbGci OiJub25lIn0.eyJ9.sig', false],
])('%s looks like a JWT: %j', (text, expected) => expect(looksLikeJwt(text)).toBe(expected));

test.each<[Record<string, unknown>, string, string[]]>([
  [{ groups: ['a', 7, true, null, {}] }, 'groups', ['a', '7', 'true']],
  [{ realm_access: { roles: ['x'] } }, 'realm_access.roles', ['x']],
  [{ 'a.b': 'whole', a: { b: 'inner' } }, 'a.b', ['whole']],
  [{ 'kubernetes.io': { pod: { name: 'p' } } }, 'kubernetes.io.pod.name', ['p']],
  [{ a: 'text' }, 'a.length', []],
  [{}, 'constructor.name', []],
  [{}, '__proto__', []],
])('of %j the claim %s says %j', (said, path, expected) => expect(claimWords(said, path)).toEqual(expected));
