import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { passkeyChallenges } from '../../../db/schema/passkeys';
import { type HttpServer, listenHttp } from '../../http';
import { type TestStore, withStore } from '../../testing';
import { PASSKEY_PATH } from './browser';
import { createPasskeyHandler } from './handler';

let db: TestStore;
let http: HttpServer;
beforeAll(async () => {
  db = await withStore();
});
afterAll(() => db.close());
afterEach(() => http.close());

async function serve(consoleUrl: string) {
  http = await listenHttp({ host: '127.0.0.1', port: 0, consoleUrl });
  http.routes.passkey = createPasskeyHandler({ store: db.store, consoleUrl }, () => '10.0.0.1');
  return (init: RequestInit = {}) => fetch(`http://127.0.0.1:${http.port}${PASSKEY_PATH}`, { method: 'POST', ...init });
}

test('a browser gets a challenge and a cookie of its own, and keeps the cookie', async () => {
  const ask = await serve('https://gatehouse.example.com');
  const answer = await ask();
  expect(answer.status).toBe(200);
  // Nobody is named: the answer is the same for all.
  expect(await answer.json()).toEqual({
    challenge: expect.stringMatching(/^[\w-]{86}$/),
    timeout: 300_000,
    rpId: 'gatehouse.example.com',
    userVerification: 'required',
  });
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const set = answer.headers.get('set-cookie') ?? '';
  expect(set).toMatch(/^__Host-gatehouse\.passkey=[\w-]{32}; Path=\/; Max-Age=300; HttpOnly; SameSite=Strict; Secure$/);
  const cookie = set.split(';')[0] ?? '';
  expect((await ask({ headers: { cookie } })).headers.get('set-cookie')).toBe(set);
  // What is no cookie of ours is not kept.
  expect((await ask({ headers: { cookie: '__Host-gatehouse.passkey=short' } })).headers.get('set-cookie')).not.toContain('=short');
  const [row] = await db.store.select().from(passkeyChallenges);
  expect(row?.principalId).toBeNull();
  expect(JSON.stringify(row)).not.toContain(cookie.split('=')[1] ?? 'no cookie');
});

test('another site gets none, nor a GET, nor where there is no https', async () => {
  const ask = await serve('https://gatehouse.example.com');
  expect((await ask({ headers: { origin: 'https://evil.example.com' } })).status).toBe(403);
  expect((await ask({ method: 'GET' })).status).toBe(405);
  await http.close();
  const plain = await (await serve('http://gatehouse.example.com'))();
  expect(plain.status).toBe(503);
  expect(await plain.json()).toMatchObject({ error: expect.stringMatching(/^passkeys need https/) });
});

test('an address gets sixty a minute', async () => {
  const ask = await serve('http://localhost:3000');
  const answers = await Promise.all(Array.from({ length: 61 }, () => ask()));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(60);
  const refused = answers.find(({ status }) => status === 429);
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
});
