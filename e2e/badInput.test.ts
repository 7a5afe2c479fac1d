import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoToken } from './api';
import { directSettings, failure, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';
import { treeOf } from './processes';
import { bind, cstring, execute, fieldsOf, frame, int32, parse, simpleQuery, startUp, statusOf, sync, WireClient } from './wireClient';

const gateway = sharedGateway();
const settings = proxySettings(gateway);

/** Sessions that work all the while: whatever the others do, they must not notice. */
const bystanders: { stop(): Promise<{ answers: number; slowestMs: number; errors: unknown[] }> }[] = [];

beforeAll(async () => {
  // Two workers share the port: several sessions, so that both have some.
  for (let i = 0; i < 4; i++) bystanders.push(await startBystander());
});
afterAll(async () => {
  for (const bystander of bystanders) await bystander.stop();
});

async function startBystander() {
  const session = await open(settings);
  let running = true;
  let answers = 0;
  let slowestMs = 0;
  const errors: unknown[] = [];
  const loop = (async () => {
    while (running) {
      const from = performance.now();
      try {
        const { rows } = await session.query('SELECT $1::int AS n', [answers]);
        if (rows[0].n !== answers) errors.push(new Error(`asked for ${answers}, got ${rows[0].n}`));
        answers++;
      } catch (error) {
        errors.push(error);
        break;
      }
      slowestMs = Math.max(slowestMs, performance.now() - from);
      await sleep(20);
    }
  })();
  return {
    async stop() {
      running = false;
      await loop;
      await session.end().catch(() => undefined);
      return { answers, slowestMs, errors };
    },
  };
}

async function gatewayAnswers(): Promise<void> {
  const session = await open(settings);
  expect((await session.query('SELECT 7 AS seven')).rows).toEqual([{ seven: 7 }]);
  await session.end();
}

describe('before sign-in', () => {
  const first = fc.oneof(
    fc.uint8Array({ minLength: 0, maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    // A plausible length, then anything.
    fc
      .tuple(fc.integer({ min: 0, max: 12_000 }), fc.uint8Array({ maxLength: 400 }))
      .map(([length, rest]) => Buffer.concat([int32(length), Buffer.from(rest)])),
    fc.uint8Array({ minLength: 4, maxLength: 4 }).map((length) => Buffer.concat([Buffer.from(length), Buffer.alloc(64, 0x41)])),
    // A right beginning with a wrong end.
    fc.uint8Array({ maxLength: 60 }).map((tail) => Buffer.concat([startUp({ user: 'support-bot', database: 'shop' }), Buffer.from(tail)])),
    fc.tuple(fc.integer({ min: 0, max: 60 }), fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([at, bytes]) => {
      const packet = startUp({ user: 'support-bot', database: 'shop' });
      Buffer.from(bytes).copy(packet, Math.min(at, packet.length - 1));
      return packet;
    }),
    // Other protocols.
    fc
      .constantFrom(
        'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
        'SSH-2.0-OpenSSH_9.9\r\n',
        '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
        '*1\r\n$4\r\nPING\r\n',
      )
      .map((text) => Buffer.from(text, 'latin1')),
    // SSLRequest, GSSENCRequest and CancelRequest with something behind.
    fc
      .tuple(fc.constantFrom(80_877_103, 80_877_104, 80_877_102), fc.uint8Array({ maxLength: 40 }))
      .map(([code, rest]) => Buffer.concat([int32(8), int32(code), Buffer.from(rest)])),
  );

  test('three hundred shapes of nonsense open nothing and stop nothing', async () => {
    await fc.assert(
      fc.asyncProperty(first, async (bytes) => {
        const client = await WireClient.connect(settings.port);
        client.send(bytes);
        client.socket.end();
        await client.untilClosed(5_000);
        // Whatever came back, nobody was signed in.
        expect(client.messages.filter((message) => message.type === 'Z' || message.type === 'K')).toEqual([]);
      }),
      { numRuns: 300, endOnFailure: true },
    );
    await gatewayAnswers();
  }, 90_000);

  test('an unknown principal, a wrong token and another principal’s token get the same words', async () => {
    const tries = await Promise.all(
      [
        { user: 'support-bot', password: 'wrong' },
        { user: 'support-bot', password: 'gh_at_AAAAAAAAAAAAAAAAAAAAAAAAAAA' },
        { user: 'support-bot', password: '' },
        { user: 'no-such-principal', password: 'wrong' },
        { user: 'no-such-principal', password: demoToken(gateway) },
        { user: 'admin', password: demoToken(gateway) },
        { user: 'support-bot', password: 'wrong', database: 'no-such-connection' },
        { user: 'support-bot', password: 'x'.repeat(15_000) },
      ].map(async (credentials) => ({ credentials, error: await failure(open({ ...settings, ...credentials })) })),
    );
    for (const { credentials, error } of tries) {
      expect({ code: error.code, severity: error.severity, message: error.message, detail: error.detail, hint: error.hint }).toEqual({
        code: '28P01',
        severity: 'FATAL',
        message: `password authentication failed for user "${credentials.user}"`,
        detail: undefined,
        hint: tries[0]?.error.hint,
      });
    }
  });

  test('an unknown connection is named only to those who signed in', async () => {
    const error = await failure(open({ ...settings, database: 'no-such-connection' }));
    expect(error).toMatchObject({ code: '3D000', severity: 'FATAL' });
  });

  test('a start-up packet that never ends is closed at the deadline', async () => {
    const client = await WireClient.connect(settings.port);
    client.send(int32(9_000), int32(196_608));
    let sent = 0;
    const drip = setInterval(() => {
      if (client.closed || ++sent > 100) return clearInterval(drip);
      client.send(Buffer.from('a'));
    }, 500);
    await client.untilClosed(45_000);
    clearInterval(drip);
  }, 60_000);

  test('a length of a gigabyte is refused at once', async () => {
    for (const length of [0x3fffffff, -1, 7, 0x7fffffff, 10_005]) {
      const client = await WireClient.connect(settings.port);
      client.send(int32(length), Buffer.from('user'));
      await client.untilClosed(3_000);
      client.close();
    }
  });

  test('two hundred silent connections keep nobody out', async () => {
    const silent = await Promise.all(Array.from({ length: 200 }, () => WireClient.connect(settings.port)));
    const from = performance.now();
    await gatewayAnswers();
    expect(performance.now() - from).toBeLessThan(3_000);
    for (const client of silent) client.close();
  });

  test('replication is refused in words', async () => {
    const error = await failure(open({ ...settings, replication: 'database' } as typeof settings));
    expect(error).toMatchObject({ severity: 'FATAL', code: '0A000' });
  });
});

describe('after sign-in', () => {
  const message = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(fc.constantFrom(...'QPBDECHSFdcfpXzKqN0'), fc.uint8Array({ maxLength: 200 }))
      .map(([type, body]) => frame(type, Buffer.from(body))),
    fc
      .tuple(fc.constantFrom(...'QPBDECSHF'), fc.integer({ min: -5, max: 3 }))
      .map(([type, length]) => Buffer.concat([Buffer.from(type), int32(length)])),
    // Counts that promise more than there is.
    fc
      .integer({ min: 1, max: 65_535 })
      .map((count) => frame('B', cstring(''), cstring(''), Buffer.from([count >> 8, count & 255]), Buffer.from([0, 1, 0, 1]))),
    fc
      .integer({ min: 1, max: 65_535 })
      .map((count) => frame('P', cstring('x'), cstring('SELECT 1'), Buffer.from([count >> 8, count & 255]), Buffer.from([0]))),
    fc.constant(frame('F', int32(42), Buffer.alloc(8))),
    fc.constant(Buffer.concat([frame('d', Buffer.from('1\n')), frame('c')])),
  );

  test('two hundred shapes of nonsense end in an error or in nothing, on that session alone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 4 }), async (messages) => {
        const client = await WireClient.signIn(settings);
        client.send(...messages, sync());
        client.socket.end();
        await client.untilClosed(5_000);
        expect(client.messages.filter((one) => one.type === 'D')).toEqual([]);
      }),
      { numRuns: 200, endOnFailure: true },
    );
    await gatewayAnswers();
  }, 90_000);

  test('an unknown message type is FATAL 08P01', async () => {
    const client = await WireClient.signIn(settings);
    client.send(frame('z', Buffer.from('x')));
    const [error] = await client.until('E');
    expect(error && fieldsOf(error)).toMatchObject({ S: 'FATAL', C: '08P01' });
    await client.untilClosed();
  });

  test('the function call protocol is refused and the session lives', async () => {
    const client = await WireClient.signIn(settings);
    client.send(frame('F', int32(2_000), Buffer.from([0, 0, 0, 0, 0, 0])));
    const answer = await client.until('Z');
    expect(answer[0] && fieldsOf(answer[0])).toMatchObject({ C: '42501', M: 'function call protocol is not allowed' });
    client.send(simpleQuery('SELECT 1'));
    expect((await client.until('Z')).map((one) => one.type).join('')).toBe('TDCZ');
    client.close();
  });

  test.each([
    ['nonsense', 'frobnicate all the things', '42601'],
    ['syntax of a server from the future', 'SELECT 1 QUALIFY WITH PLEASURE', '42601'],
    ['an unfinished string', "SELECT 'abc", '42601'],
    ['20,000 nested brackets', `SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)}`, '54001|42601|42501|54000'],
    ['50,000 terms', `SELECT ${Array.from({ length: 50_000 }, () => '1').join('+')}`, '54001|42601|42501|54000'],
  ])('%s is an error of that statement', async (_name, sql, codes) => {
    const session = await open(settings);
    const outcome = await session.query(sql).then(
      () => undefined,
      (error) => error,
    );
    if (outcome !== undefined) expect(outcome.code).toMatch(new RegExp(`^(?:${codes})$`));
    else expect(codes).toContain('54000');
    expect((await session.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);
    await session.end();
  });

  test('trap-57-invalid-bytes-refused: bytes that are no UTF-8 are refused as PostgreSQL refuses them', async () => {
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xc3]]) {
      const client = await WireClient.signIn(settings);
      client.send(frame('Q', Buffer.concat([Buffer.from("SELECT '"), Buffer.from(bytes), Buffer.from("'\0")])));
      const answer = await client.until('Z');
      expect(answer[0] && fieldsOf(answer[0])).toMatchObject({ C: '22021' });
      expect(statusOf(answer)).toBe('I');
      client.close();
    }
  });

  test('trap-41-odd-shapes: empty statements, comments, 1,664 columns, 65,535 parameters', async () => {
    const client = await WireClient.signIn(settings);
    for (const sql of ['', '   ', ';', '-- only a comment', '/* only a comment */']) {
      client.send(simpleQuery(sql));
      expect((await client.until('Z')).map((one) => one.type).join(''), JSON.stringify(sql)).toBe('IZ');
    }
    client.close();
    const session = await open(settings);
    const wide = await session.query(`SELECT ${Array.from({ length: 1_664 }, (_, i) => `${i} AS c${i}`).join(', ')}`);
    expect(wide.fields).toHaveLength(1_664);
    const values = Array.from({ length: 65_535 }, (_, i) => i);
    const { rows } = await session.query(`SELECT cardinality(ARRAY[${values.map((i) => `$${i + 1}::int`).join(',')}]) AS n`, values);
    expect(rows).toEqual([{ n: 65_535 }]);
    await session.end();
  }, 60_000);

  test('a statement of 100 MB is refused with a SQLSTATE, the session lives and memory stays', async () => {
    for (const make of [
      (sql: Buffer) => frame('Q', sql),
      (sql: Buffer) => Buffer.concat([frame('P', cstring(''), sql, Buffer.from([0, 0])), bind(), execute(), sync()]),
    ]) {
      const client = await WireClient.signIn(settings);
      const before = resident();
      let most = before;
      const watch = setInterval(() => {
        most = Math.max(most, resident());
      }, 50);
      client.send(make(Buffer.concat([Buffer.from("SELECT '"), Buffer.alloc(100 * 1024 * 1024, 0x61), Buffer.from("'\0")])));
      const answer = await client.until('Z');
      clearInterval(watch);
      const error = answer.find((one) => one.type === 'E');
      expect(error && fieldsOf(error)).toMatchObject({ S: 'ERROR', C: '54000' });
      expect(statusOf(answer)).toBe('I');
      client.send(simpleQuery('SELECT 1'));
      expect((await client.until('Z')).map((one) => one.type).join('')).toBe('TDCZ');
      client.close();
      expect((most - before) / 1024 / 1024).toBeLessThan(256);
    }
  }, 60_000);

  test('a message that never ends holds nothing up', async () => {
    const client = await WireClient.signIn(settings);
    client.send(Buffer.concat([Buffer.from('Q'), int32(0x3fffffff), Buffer.alloc(1_000, 0x61)]));
    await gatewayAnswers();
    client.close();
    await gatewayAnswers();
  });

  test('trap-55-slow-client: a reader that stops reading pauses its own statement, and no memory', async () => {
    const client = await WireClient.signIn(settings);
    const before = resident();
    client.send(simpleQuery("SELECT repeat('x', 1000) FROM generate_series(1, 90000)"));
    client.socket.pause();
    await sleep(2_000);
    expect((resident() - before) / 1024 / 1024).toBeLessThan(128);
    await gatewayAnswers();
    client.socket.resume();
    expect((await client.until('Z')).filter((one) => one.type === 'D')).toHaveLength(90_000);
    client.close();
  }, 60_000);

  test('trap-56-pinned: settings that change what text means cannot be changed', async () => {
    for (const sql of [
      'SET standard_conforming_strings = off',
      "SELECT set_config('standard_conforming_strings', 'off', false)",
      "SET client_encoding = 'LATIN1'",
      "SET client_encoding = 'SJIS'",
    ]) {
      const session = await open(settings);
      const error = await session.query(sql).then(
        () => undefined,
        (thrown) => thrown as { code: string },
      );
      if (error === undefined) {
        const { rows } = await session.query(
          "SELECT current_setting('standard_conforming_strings') AS s, current_setting('client_encoding') AS e",
        );
        expect(rows, sql).toEqual([{ s: 'on', e: 'UTF8' }]);
      }
      await session.end().catch(() => undefined);
    }
  });

  test('a prepared name that is taken, or is not there, answers as PostgreSQL does', async () => {
    const run = async (port: number, frames: Buffer[]) => {
      const client = await WireClient.signIn({ ...settings, port });
      client.send(...frames, sync());
      const answer = await client.until('Z');
      client.close();
      return answer.map((one) => (one.type === 'E' ? `E${fieldsOf(one).C}` : one.type)).join(' ');
    };
    expect(await run(settings.port, [parse('SELECT 1', 'a'), parse('SELECT 2', 'a')])).toBe('1 E42P05 Z');
    expect(await run(settings.port, [bind('absent')])).toBe('E26000 Z');
    expect(await run(settings.port, [execute('absent')])).toBe('E34000 Z');
    expect(await run(settings.port, [frame('C', Buffer.from('S'), cstring('absent'))])).toBe('3 Z');
  });
});

test('the bystanders noticed nothing', async () => {
  const reports = await Promise.all(bystanders.map((bystander) => bystander.stop()));
  for (const report of reports) {
    expect(report.errors).toEqual([]);
    expect(report.answers).toBeGreaterThan(100);
    expect(report.slowestMs).toBeLessThan(3_000);
  }
  const direct = await open(directSettings(gateway));
  expect((await direct.query('SELECT count(*)::int AS n FROM customers')).rows[0].n).toBeGreaterThan(400);
  await direct.end();
});

/** Resident memory of the gateway's Node processes: the embedded PostgreSQL's is its own affair. */
function resident(): number {
  return treeOf(gateway.pid)
    .filter((one) => /\bnode\b/.test(one.command))
    .reduce((total, one) => total + one.residentBytes, 0);
}
