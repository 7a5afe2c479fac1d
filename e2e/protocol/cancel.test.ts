import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoToken } from '../api';
import { DEMO_AGENT, directSettings, eventually, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';
import { cellsOf, fieldsOf, int32, simpleQuery, statusOf } from '../wireClient';
import { PROTOCOL_3_2, type Signed, secured, signInOver, tcp, untilClosed } from './client';

const gateway = sharedGateway();
const settings = proxySettings(gateway);
const agent = { user: DEMO_AGENT, password: demoToken(gateway), database: 'shop' };
let direct: Awaited<ReturnType<typeof open>>;
const opened: Signed[] = [];
beforeAll(async () => {
  direct = await open(directSettings(gateway));
});
afterAll(async () => {
  for (const { client } of opened) client.close();
  await direct.end();
});

async function session(options: { tls: boolean; version: number }): Promise<Signed & { key: NonNullable<Signed['key']> }> {
  const socket = options.tls ? await secured(settings.port) : await tcp(settings.port);
  const signed = await signInOver(socket, { ...agent, version: options.version });
  if (signed.key === null) throw new Error('no BackendKeyData came');
  opened.push(signed);
  return { ...signed, key: signed.key };
}

const packet = (processId: number, secret: Buffer) =>
  Buffer.concat([int32(12 + secret.length), int32(80_877_102), int32(processId), secret]);

/** Sends a CancelRequest and waits until the gateway has closed, which it does without a word. */
async function cancel(key: { processId: number; secret: Buffer }, over: 'plain' | 'tls' = 'plain'): Promise<void> {
  const socket = over === 'tls' ? await secured(settings.port) : await tcp(settings.port);
  const answer = untilClosed(socket);
  socket.write(packet(key.processId, key.secret));
  expect(await answer).toEqual(Buffer.alloc(0));
}

const runs = (text: string) =>
  eventually(`${text} runs`, async () => {
    const { rowCount } = await direct.query("SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query = $1", [text]);
    return rowCount === 1;
  });

async function firstCell({ client }: Signed, sql: string): Promise<string | null | undefined> {
  client.send(simpleQuery(sql));
  const row = (await client.until('Z')).find((one) => one.type === 'D');
  return row === undefined ? undefined : cellsOf(row)[0];
}

describe('trap-17-cancel-request, trap-18-own-key', () => {
  let count = 0;
  test.each([
    ['a plain session by a plain request', false, 'plain', 0x30000],
    ['a plain session by a request over TLS', false, 'tls', PROTOCOL_3_2],
    ['a secured session by a plain request', true, 'plain', PROTOCOL_3_2],
    ['a secured session by a request over TLS', true, 'tls', 0x30000],
  ] as const)('%s', async (_, tls, over, version) => {
    // Several, since two workers share the port: a request must find the session wherever it arrives.
    for (let i = 0; i < 4; i++) {
      const signed = await session({ tls, version });
      const text = `SELECT pg_sleep(20.${++count})`;
      signed.client.send(simpleQuery(text));
      await runs(text);
      await cancel(signed.key, over);
      const answer = await signed.client.until('Z');
      const error = answer.find((one) => one.type === 'E');
      expect(error && fieldsOf(error)).toMatchObject({ C: '57014', M: 'canceling statement due to user request' });
      expect(await firstCell(signed, 'SELECT 1')).toBe('1');
    }
  });

  test('the process id is the server’s own, the secret is not', async () => {
    const [one, other] = [await session({ tls: false, version: 0x30000 }), await session({ tls: true, version: PROTOCOL_3_2 })];
    for (const signed of [one, other]) {
      expect(await firstCell(signed, 'SELECT pg_backend_pid()')).toBe(String(signed.key.processId));
      const { rowCount } = await direct.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [signed.key.processId]);
      expect(rowCount).toBe(1);
    }
    expect(one.key.secret.equals(other.key.secret.subarray(0, 4))).toBe(false);
    // The upstream does not know our secret: around the gateway it cancels nothing.
    const text = 'SELECT pg_sleep(0.4), 1';
    one.client.send(simpleQuery(text));
    await runs(text);
    const around = await tcp(directSettings(gateway).port);
    around.write(packet(one.key.processId, one.key.secret));
    await untilClosed(around);
    const answer = await one.client.until('Z');
    expect(answer.map((message) => message.type).join('')).toBe('TDCZ');
  });

  test('a notification names the process id that its sender was told', async () => {
    const [listener, sender] = [await session({ tls: false, version: 0x30000 }), await session({ tls: false, version: 0x30000 })];
    listener.client.send(simpleQuery('LISTEN trap_18'));
    await listener.client.until('Z');
    sender.client.send(simpleQuery('NOTIFY trap_18'));
    await sender.client.until('Z');
    const [notification] = (await listener.client.until('A')).slice(-1);
    expect(notification?.body.readInt32BE(0)).toBe(sender.key.processId);
  });

  test('a wrong secret, a shorter one, another’s process id: nothing happens, and nothing is said', async () => {
    const [signed, other] = [await session({ tls: false, version: PROTOCOL_3_2 }), await session({ tls: false, version: PROTOCOL_3_2 })];
    const text = 'SELECT pg_sleep(1.5), 2';
    signed.client.send(simpleQuery(text));
    await runs(text);
    const { processId, secret } = signed.key;
    await cancel({ processId, secret: Buffer.alloc(32, 1) });
    await cancel({ processId, secret: secret.subarray(0, 4) });
    await cancel({ processId, secret: Buffer.concat([secret, Buffer.from([0])]) });
    await cancel({ processId: other.key.processId, secret });
    await cancel({ processId: processId + 1, secret });
    const answer = await signed.client.until('Z');
    expect(answer.map((message) => message.type).join('')).toBe('TDCZ');
    expect(statusOf(answer)).toBe('I');
  });

  test('a key is worthless when its session has ended', async () => {
    const signed = await session({ tls: false, version: 0x30000 });
    signed.client.close();
    await eventually('the session ends', async () => {
      const { rowCount } = await direct.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [signed.key.processId]);
      return rowCount === 0;
    });
    await cancel(signed.key);
  });
});

describe('trap-21-cancel-flood', () => {
  test('two hundred cancels hit the statement they meet, and the log says so once', async () => {
    const signed = await session({ tls: false, version: 0x30000 });
    const text = 'SELECT pg_sleep(20), 3';
    signed.client.send(simpleQuery(text));
    await runs(text);
    await Promise.all(Array.from({ length: 200 }, () => cancel(signed.key)));
    const answer = await signed.client.until('Z');
    expect(answer.some((one) => one.type === 'E')).toBe(true);
    expect(await firstCell(signed, 'SELECT 1')).toBe('1');
    const told = () =>
      readFileSync(gateway.logFile, 'utf8')
        .split('\n')
        .filter((line) => line.includes('cancel requests come faster')).length;
    await eventually('the flood is logged', async () => told() >= 1);
    // One worker holds the session; a burst that lasts is one burst.
    expect(told()).toBeLessThanOrEqual(2);
  });
});
