import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering } from '../db/notifications/standIns/http';
import { gatehouse } from './cli';
import { eventually, failure, open, proxySettings } from './clients';
import { makeDataDir, type RunningGateway, removeDataDir, startGateway } from './gateway';

const SECRET = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;
const KEY = 'otlp-canary-key-1234567890';

let dataDir: string;
let running: RunningGateway;
let otlp: Awaited<ReturnType<typeof answering>>;
let hook: Awaited<ReturnType<typeof answering>>;
let syslog: Server;
const sockets: Socket[] = [];
const collected: { path: string; key: string | undefined; body: string }[] = [];
let syslogText = '';
const heard: { index: number; leaf: { entry: Record<string, unknown> } }[] = [];
const notBelieved: unknown[] = [];
let hookHangs = false;

beforeAll(async () => {
  dataDir = makeDataDir();
  otlp = await answering((request) => {
    collected.push({ path: request.path, key: request.headers['x-api-key'], body: request.body });
    return { status: 200, body: '{}' };
  });
  hook = await answering((request) => {
    if (hookHangs) return new Promise(() => undefined);
    try {
      const event = new Webhook(SECRET).verify(request.body, request.headers) as { data: { entries: typeof heard } };
      heard.push(...event.data.entries);
      return { status: 204 };
    } catch (error) {
      notBelieved.push(error);
      return { status: 401 };
    }
  });
  syslog = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined).on('data', (chunk: Buffer) => (syslogText += chunk.toString('utf8')));
  });
  await new Promise<void>((resolve) => syslog.listen(0, '127.0.0.1', resolve));
  running = await startGateway({ dataDir, log: `${dataDir}.log` });
  const address = syslog.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const exported = await gatehouse(running, ['export']);
  const document = `${exported.stdout.trimEnd()}
audit:
  checkpointEvery: 1s
  sinks:
    - { type: jsonl, path: "${join(dataDir, 'audit.jsonl')}" }
    - { type: otlp, url: "${otlp.url}", headers: { x-api-key: "\${OTLP_KEY}" } }
    - { type: syslog, host: 127.0.0.1, port: ${port}, protocol: tcp }
    - { type: webhook, url: "${hook.url}", secret: "\${HOOK_SECRET}" }
`;
  const file = join(dataDir, 'policy.yaml');
  writeFileSync(file, document);
  expect(await gatehouse(running, ['apply', file], { OTLP_KEY: KEY, HOOK_SECRET: SECRET })).toMatchObject({ code: 0 });
}, 180_000);

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  syslog.close();
  await running.stop();
  await otlp.close();
  await hook.close();
  removeDataDir(dataDir);
  rmSync(`${dataDir}.log`, { force: true });
});

const written = () => (existsSync(join(dataDir, 'audit.jsonl')) ? readFileSync(join(dataDir, 'audit.jsonl'), 'utf8') : '');
const lines = () =>
  written()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { index: number; leaf: { entry: Record<string, unknown> } });
const dropped = ({ leaf: { entry } }: (typeof heard)[number]) => entry.type === 'statement' && entry.kind === 'DROP TABLE';
const ended = ({ leaf: { entry } }: (typeof heard)[number]) => entry.type === 'outcome';

test('every sink gets every entry, none gets a value a client sent', async () => {
  const client = await open(proxySettings(running));
  await client.query(`SELECT 'canary-of-a-client' AS x, 12345678901`);
  expect(await failure(client.query('DROP TABLE orders'))).toMatchObject({ code: '42501' });
  await client.end();
  await eventually('the file', async () => lines().some(dropped), 20_000);
  await eventually('the webhook', async () => heard.some(dropped), 20_000);
  await eventually('syslog', async () => syslogText.includes('"kind":"DROP TABLE"'), 20_000);
  await eventually('the logs', async () => collected.some(({ path, body }) => path === '/v1/logs' && body.includes('DROP TABLE')), 20_000);
  await eventually('the spans', async () => collected.filter(({ path }) => path === '/v1/traces').length > 0, 20_000);
  const indices = lines().map(({ index }) => index);
  expect(indices).toEqual(indices.map((_, at) => (indices[0] ?? 0) + at));
  const shapes = lines().flatMap(({ leaf: { entry } }) => (entry.type === 'statement' ? [entry.shape] : []));
  expect(shapes).toContain('SELECT ? AS x, ?');
  expect(notBelieved).toEqual([]);
  expect(collected[0]?.key).toBe(KEY);
  const everything = [
    readFileSync(join(dataDir, 'audit.jsonl'), 'utf8'),
    syslogText,
    ...collected.map(({ body }) => body),
    JSON.stringify(heard),
  ];
  for (const text of everything)
    for (const canary of ['canary-of-a-client', '12345678901', KEY, SECRET]) expect(text).not.toContain(canary);
});

test('a sink that hangs slows no statement and loses nothing; the others go on', async () => {
  hookHangs = true;
  const before = heard.length;
  const client = await open(proxySettings(running));
  const startedMs = performance.now();
  for (let i = 0; i < 200; i++) await client.query('SELECT 1');
  const tookMs = performance.now() - startedMs;
  await client.end();
  await eventually('the file', async () => lines().filter(ended).length >= 200, 20_000);
  expect(heard.length).toBe(before);
  // One statement that waited for the webhook would take fifteen seconds by itself.
  expect(tookMs).toBeLessThan(10_000);
  hookHangs = false;
  await eventually('the webhook again', async () => heard.filter(ended).length >= 200, 60_000);
  const indices = [...new Set(heard.map(({ index }) => index))].sort((a, b) => a - b);
  expect(indices).toEqual(indices.map((_, at) => (indices[0] ?? 0) + at));
}, 120_000);

test('what the document has as secrets is neither exported nor in the log of the gateway', async () => {
  const { stdout } = await gatehouse(running, ['export']);
  expect(stdout).toContain('type: webhook');
  for (const text of [stdout, readFileSync(`${dataDir}.log`, 'utf8')])
    for (const canary of [KEY, SECRET]) expect(text).not.toContain(canary);
});
