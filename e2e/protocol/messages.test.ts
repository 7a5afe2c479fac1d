import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../clients';
import { sharedGateway } from '../gateway';
import { treeOf } from '../processes';
import {
  bind,
  bindValues,
  cellsOf,
  cstring,
  describePortal,
  execute,
  fieldsOf,
  frame,
  int32,
  parse,
  simpleQuery,
  statusOf,
  sync,
  terminate,
  type WireClient,
} from '../wireClient';
import { ask, cancel, letters, MASKED, OPEN, peers, play, processIdOf, RULED, requestOf, SECRET, same, words } from './peers';

const p = peers();
const run = (sql: string) => [parse(sql), bind(), describePortal(), execute()];
const HELD = "SELECT 'gh_hold'";

beforeAll(async () => {
  await p.root.query(`
    SET ROLE traps_app;
    CREATE FUNCTION talk(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'row %', n; RETURN n; END $$;
    CREATE FUNCTION turn(n int) RETURNS int LANGUAGE plpgsql AS
      $$ BEGIN PERFORM set_config('application_name', 'row ' || n, false); RETURN n; END $$;
    RESET ROLE`);
});

/** A held statement: its client, which has got the notice, and its request. */
async function holding(connection = RULED, sql = HELD, before: string[] = []) {
  const client = await p.gateway(connection);
  for (const one of before) await ask(client, one);
  client.send(simpleQuery(sql));
  return { client, id: requestOf((await client.until('N')).at(-1)) };
}

describe('messages that nobody asked for', () => {
  test.each([
    [
      'notices between rows',
      [simpleQuery('SELECT talk(g) FROM generate_series(1, 5) AS g'), ...run('SELECT talk(g) FROM generate_series(1, 3) AS g'), sync()],
    ],
    [
      'notices in a portal that is suspended',
      [parse('SELECT talk(g) FROM generate_series(1, 3) AS g'), bind(), execute('', 1), execute('', 1), execute('', 1), sync()],
    ],
    [
      'a parameter status between rows',
      [simpleQuery('SELECT turn(g) FROM generate_series(1, 3) AS g'), simpleQuery("SET TimeZone = 'Asia/Tokyo'"), simpleQuery('SELECT 1')],
    ],
    [
      'a parameter status undone',
      [simpleQuery('BEGIN'), simpleQuery("SET DateStyle = 'SQL'"), simpleQuery('ROLLBACK'), simpleQuery('SELECT 1')],
    ],
    ['a notice in front of an error', [simpleQuery('SELECT talk(1), 1/0'), simpleQuery('SELECT 1')]],
    [
      'in a batch with an error',
      [
        ...run('SELECT talk(1)'),
        ...run('SELECT talk(2), 1/(talk(3)-3)'),
        ...run('SELECT talk(4)'),
        sync(),
        ...run('SELECT talk(5)'),
        sync(),
      ],
    ],
    ['a warning of a command', [simpleQuery('COMMIT'), simpleQuery('BEGIN; BEGIN; COMMIT')]],
  ])('trap-46-moves-no-state: %s', async (_name, frames) => {
    await same(p, frames);
  });

  test('trap-46-notification-while-idle: it arrives by itself, and between the messages of a batch', async () => {
    const client = await p.gateway();
    await ask(client, 'LISTEN traps');
    await p.root.query("NOTIFY traps, 'first'");
    const [idle] = await client.until('A');
    expect(idle?.body.subarray(4).toString()).toBe('traps\0first\0');
    await ask(client, 'BEGIN');
    await p.root.query("NOTIFY traps, 'second'");
    client.send(...run('SELECT 1'), sync());
    expect(letters(await client.until('Z'))).toBe('12TDCZ');
    const commit = [...(await ask(client, 'COMMIT'))];
    if (!letters(commit).includes('A')) commit.push(...(await client.until('A')));
    expect(letters(commit)).toMatch(/^(?:CZA|CAZ|ACZ)$/);
    expect(letters(await ask(client, 'SELECT 1'))).toBe('TDCZ');
  });

  test('trap-46-own-notification-has-the-own-process-id: a client knows its own NOTIFY by the number of its key', async () => {
    for (const client of [await p.direct(), await p.gateway()]) {
      await ask(client, 'LISTEN traps_own');
      client.send(simpleQuery("NOTIFY traps_own, 'mine'"));
      const note = (await client.until('A')).at(-1);
      expect(note?.body.readInt32BE(0)).toBe(processIdOf(client));
    }
  });

  test('trap-46-notice-while-held: another session’s words reach a client that waits', async () => {
    const { client, id } = await holding(RULED, HELD, ['LISTEN traps_held']);
    await p.root.query("NOTIFY traps_held, 'now'");
    expect((await client.until('A')).at(-1)?.body.includes('now')).toBe(true);
    await p.admin.approvals.approve.mutate({ id });
    expect(letters(await client.until('Z'))).toBe('TDCZ');
  });
});

describe('a value leaves by no other door', () => {
  test.each([
    ['DETAIL of a duplicate', 'INSERT INTO people SELECT 100 + id, name, ssn FROM people WHERE id = 1'],
    ['DETAIL of a duplicate, by update', 'UPDATE people SET ssn = (SELECT ssn FROM people WHERE id = 2) WHERE id = 1'],
    ['DETAIL of a failed row', 'UPDATE people SET name = NULL WHERE id = 1'],
    ['a failed cast', 'SELECT ssn::int FROM people'],
    ['a failed cast in a plan', 'SELECT 1 FROM people WHERE ssn::numeric > 0'],
    ['EXPLAIN', "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM people WHERE ssn = '900-55-1001'"],
    ['EXPLAIN with statistics', 'EXPLAIN SELECT id FROM people ORDER BY ssn'],
    ['pg_stats', "SELECT most_common_vals, histogram_bounds FROM pg_stats WHERE tablename = 'people'"],
    ['pg_statistic', 'SELECT * FROM pg_statistic'],
    ['pg_stat_activity', 'SELECT query FROM pg_stat_activity'],
    ['a notification’s payload', "SELECT pg_notify('traps', ssn) FROM people"],
    ['a parameter status', "SELECT set_config('application_name', ssn, false) FROM people LIMIT 1"],
    ['a setting', "SELECT set_config('my.value', ssn, false), current_setting('my.value') FROM people LIMIT 1"],
    ['a large object', "SELECT lo_from_bytea(0, convert_to(ssn, 'UTF8')) FROM people"],
    ['an error of RAISE', "DO $$ BEGIN RAISE EXCEPTION '%', (SELECT ssn FROM people LIMIT 1) USING ERRCODE = '42501'; END $$"],
    ['a sequence of errors', 'SELECT 1/(ascii(ssn) - 57) FROM people'],
    ['a regular expression', "SELECT regexp_matches('x', ssn) FROM people"],
    ['an unknown time zone', 'SELECT now() AT TIME ZONE ssn FROM people'],
    ['a missing relation', 'SELECT ssn::regclass FROM people'],
    ['a foreign key', 'CREATE TABLE refers (ssn text REFERENCES people (ssn)); INSERT INTO refers SELECT ssn || 1 FROM people'],
  ])('trap-47-no-value-in-any-message: %s', async (_name, sql) => {
    const listener = await p.gateway(MASKED);
    await ask(listener, 'LISTEN traps');
    await p.root.query('ANALYZE people');
    const client = await p.gateway(MASKED);
    await ask(client, 'LISTEN traps');
    client.send(simpleQuery(sql), simpleQuery('ROLLBACK'));
    const first = await client.until('Z', 'N');
    const answer = first.at(-1)?.type === 'Z' ? [...first, ...(await client.until('Z'))] : first;
    const own = answer.filter((message) => !(message.type === 'D' && _name === 'pg_stat_activity'));
    const others = await ask(listener, 'SELECT 1');
    for (const message of [...own, ...others]) expect(message.body.toString('latin1'), _name).not.toMatch(SECRET);
    client.close();
    listener.close();
    expect((await p.root.query("SELECT count(*)::int AS n FROM people WHERE ssn ~ '900-55'")).rows[0].n).toBe(40);
  });

  test('trap-47-pg-stat-activity: another session’s statement with a value in it', async () => {
    const other = await p.gateway(OPEN);
    await ask(other, "SELECT 'looking for 900-55-1001'");
    const answer = await play(await p.gateway(MASKED), [
      simpleQuery('SELECT query FROM pg_stat_activity'),
      simpleQuery('SELECT pg_stat_get_activity(NULL)'),
    ]);
    expect(words(answer).join()).not.toContain('looking for 900-55-1001');
  });
});

describe('held', () => {
  test('trap-48-notice-at-once: before anything is decided, with the request and where to look', async () => {
    const { client, id } = await holding();
    expect((await p.admin.approvals.get.query({ id })).status).toBe('pending');
    await p.admin.approvals.reject.mutate({ id, reason: 'end of test' });
    expect(letters(await client.until('Z'))).toBe('EZ');
  });

  test('trap-48-tcp-keepalive-on: the kernel watches over a client that waits', async () => {
    const { client, id } = await holding();
    const port = client.socket.localPort ?? 0;
    const { port: gatewayPort } = p.settings(RULED);
    const hex = (value: number) => value.toString(16).toUpperCase().padStart(4, '0');
    // Timer 2 is keepalive (Linux, Documentation/networking/proc_net_tcp); 1 stands there until the notice is acknowledged.
    await eventually('the keepalive timer', async () => {
      const lines = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => readFileSync(path, 'utf8').split('\n'));
      const line = lines.find((one) => new RegExp(`:${hex(gatewayPort)} \\S+:${hex(port)} `).test(one));
      return line?.trim().split(/\s+/)[5]?.startsWith('02:');
    });
    await p.admin.approvals.reject.mutate({ id, reason: 'end of test' });
    await client.until('Z');
  });

  test.each([
    ['idle', [], 'I'],
    ['in a transaction', ['BEGIN'], 'T'],
    ['in a failed one', ['BEGIN', 'SELECT 1/0'], 'E'],
  ])(
    'trap-49-status-byte-after-local-answers: %s',
    async (_name, before, status) => {
      const after = status === 'I' ? 'I' : 'E';
      const local: [string, Buffer[]][] = [
        ['denied', [simpleQuery('SELECT * FROM gh_deny')]],
        ['denied at Parse', [parse('SELECT * FROM gh_deny'), sync()]],
        ['a function call', [frame('F', int32(1), Buffer.from([0, 0, 0, 0, 0, 0]))]],
        ['too large', [simpleQuery(`SELECT '${'x'.repeat(17_000_000)}'`)]],
        ['a name that is not known', [simpleQuery('EXECUTE nobody')]],
        ['a syntax error', [simpleQuery('SELEC 1')]],
      ];
      for (const [name, frames] of local) {
        const client = await p.gateway(RULED);
        for (const sql of before) await ask(client, sql);
        client.send(...frames);
        const answer = await client.until('Z');
        expect([name, letters(answer), statusOf(answer)]).toEqual([name, 'EZ', after]);
        // And the server agrees: the next statement runs, or fails as it must.
        expect([name, letters(await ask(client, 'SELECT 1'))]).toEqual([name, after === 'I' ? 'TDCZ' : 'EZ']);
        expect(statusOf(await ask(client, 'ROLLBACK'))).toBe('I');
        client.close();
      }
    },
    60_000,
  );

  test.each([
    ['rejected', (id: string) => p.admin.approvals.reject.mutate({ id, reason: 'no' })],
    ['cancelled', (_id: string, client: WireClient) => cancel(client, p.settings(RULED).port)],
  ])('trap-49-status-byte-after-a-hold: %s', async (_name, end) => {
    for (const [before, status] of [
      [[], 'I'],
      [['BEGIN'], 'E'],
    ] as [string[], string][]) {
      const { client, id } = await holding(RULED, HELD, before);
      await end(id, client);
      const answer = await client.until('Z');
      expect([letters(answer), statusOf(answer)]).toEqual(['EZ', status]);
      expect(statusOf(await ask(client, 'ROLLBACK'))).toBe('I');
    }
  });

  test('trap-50-held-inside-a-transaction: the reviewer is told, and the deadline is shorter than outside', async () => {
    const outside = await holding();
    const inside = await holding(RULED, HELD, ['BEGIN']);
    const of = async (id: string) => {
      const request = await p.admin.approvals.get.query({ id });
      return { status: request.transactionStatus, waitMs: request.expiresAt.getTime() - request.createdAt.getTime() };
    };
    const [free, locking] = [await of(outside.id), await of(inside.id)];
    for (const { client } of [outside, inside]) client.close();
    expect([free.status, locking.status]).toEqual(['I', 'T']);
    expect(locking.waitMs).toBeLessThan(free.waitMs * 0.9);
  });

  test('trap-50-server-ends-the-idle-transaction: the client hears it once, and the request is withdrawn', async () => {
    const { client, id } = await holding(RULED, HELD, [
      'SET idle_in_transaction_session_timeout = 700',
      'BEGIN',
      "INSERT INTO notes VALUES (50, 'held')",
    ]);
    await client.untilClosed();
    const errors = client.messages.filter(({ type }) => type === 'E').map(fieldsOf);
    expect(errors.map(({ S, C }) => [S, C])).toEqual([['FATAL', '25P03']]);
    await p.becomes(id, 'withdrawn');
    expect((await p.root.query('SELECT FROM notes WHERE id = 50')).rowCount).toBe(0);
  });

  test('trap-51-checked-again-on-release: what it would read by now is masked', async () => {
    await p.root.query('SET ROLE traps_app; CREATE VIEW released AS SELECT id, name AS word FROM people WHERE id < 3; RESET ROLE');
    const client = await p.gateway(MASKED);
    await eventually('the view is known', async () => letters(await ask(client, 'SELECT word FROM released')) === 'TDDCZ');
    client.send(simpleQuery("SELECT word, 'gh_hold' FROM released"));
    const id = requestOf((await client.until('N')).at(-1));
    await p.root.query('CREATE OR REPLACE VIEW released AS SELECT id, ssn AS word FROM people WHERE id < 3');
    // Somebody who asks now is refused: the gateway knows.
    const other = await p.gateway(MASKED);
    await eventually('the change is known', async () => !SECRET.test(words(await ask(other, 'SELECT word FROM released')).join()));
    await p.admin.approvals.approve.mutate({ id });
    expect(words(await client.until('Z')).join()).not.toMatch(SECRET);
  });

  test('trap-51-a-rule-that-denies-by-now: approved, and still denied', async () => {
    const { client, id } = await holding(RULED, "SELECT 'gh_hold', 'by_now_51'");
    const rule = await p.admin.rules.save.mutate({
      ...{ name: 'traps-by-now', match: { sql: 'by_now_51' }, action: 'deny', mode: 'enforce' },
      ...{ connections: [RULED], groups: [], message: null },
    });
    try {
      // The workers have it when it denies what is new.
      const other = await p.gateway(RULED);
      await eventually('the rule', async () => letters(await ask(other, "SELECT 'by_now_51'")) === 'EZ');
      await p.admin.approvals.approve.mutate({ id });
      const answer = await client.until('Z');
      expect(letters(answer)).toBe('EZ');
      expect(fieldsOf(answer[0] ?? { type: '', body: Buffer.alloc(0) })).toMatchObject({ C: '42501' });
    } finally {
      await p.admin.rules.remove.mutate({ id: rule.id });
    }
  });
});

test('trap-20-late-cancel-hits-nothing: a cancel that was answered never ends the next statement', async () => {
  const client = await p.gateway();
  for (let round = 0; round < 20; round++) {
    client.send(simpleQuery('SELECT 1'));
    await Promise.all([client.until('Z'), cancel(client, p.settings(OPEN).port)]);
    expect(letters(await ask(client, 'SELECT pg_sleep(0.02)')), `round ${round}`).toBe('TDCZ');
  }
});

describe('ends', () => {
  test.each([
    ['simple', [simpleQuery("SELECT g, repeat('x', 1000) FROM generate_series(1, 3000) AS g")]],
    ['extended', [...run("SELECT g, repeat('x', 1000) FROM generate_series(1, 3000) AS g"), sync()]],
    ['with Terminate behind', [simpleQuery("SELECT g, repeat('x', 1000) FROM generate_series(1, 3000) AS g"), terminate()]],
  ])('trap-52-half-close-still-gets-its-result: %s', async (_name, frames) => {
    const client = await p.gateway();
    client.send(...frames);
    client.socket.end();
    const answer = await client.until('Z');
    expect(answer.filter(({ type }) => type === 'D')).toHaveLength(3_000);
    await client.untilClosed();
  });

  test.each([
    ['closed', (client: WireClient) => client.socket.destroy()],
    ['reset', (client: WireClient) => client.socket.resetAndDestroy()],
    ['half-closed', (client: WireClient) => client.socket.end()],
    ['Terminate and closed', (client: WireClient) => client.socket.end(terminate())],
  ])('trap-52-client-gone-while-held: %s', async (_name, leave) => {
    const { client, id } = await holding(RULED, "INSERT INTO notes VALUES (52, 'gh_hold')", ['BEGIN']);
    leave(client);
    await p.becomes(id, 'withdrawn');
    await expect(p.admin.approvals.approve.mutate({ id })).rejects.toThrow();
    await p.root.query('BEGIN; LOCK TABLE notes; COMMIT');
    expect((await p.root.query('SELECT FROM notes WHERE id = 52')).rowCount).toBe(0);
  });

  test.each([
    ['idle', []],
    ['in a transaction', [simpleQuery('BEGIN')]],
    ['while it runs', [simpleQuery('SELECT pg_sleep(30)')]],
    ['in a batch', [...run('SELECT 1'), ...run('SELECT pg_sleep(30)'), ...run('SELECT 2'), sync()]],
    ['in COPY', [simpleQuery('COPY notes FROM STDIN')]],
  ])('trap-53-upstream-dies: %s: one FATAL to that client, none to others', async (name, frames) => {
    const bystander = await p.gateway();
    const end = async (client: WireClient) => {
      const pid = cellsOf((await ask(client, 'SELECT pg_backend_pid()')).find(({ type }) => type === 'D') ?? never())[0];
      client.send(...frames);
      if (name === 'in COPY') await client.until('G');
      else if (name === 'in a transaction') await client.until('Z');
      else if (frames.length > 0)
        await eventually(
          'it runs',
          async () => (await p.root.query(`SELECT FROM pg_stat_activity WHERE pid = ${pid} AND wait_event = 'PgSleep'`)).rowCount === 1,
        );
      await p.root.query(`SELECT pg_terminate_backend(${pid})`);
      await client.untilClosed();
      return words(client.messages.filter(({ type }) => type === 'E'));
    };
    const expected = await end(await p.direct());
    expect(expected).toHaveLength(1);
    expect(await end(await p.gateway())).toEqual(expected);
    expect(letters(await ask(bystander, 'SELECT 1'))).toBe('TDCZ');
  });

  test('trap-53-upstream-dies-while-held: one FATAL, and the request is withdrawn', async () => {
    const client = await p.gateway(RULED);
    const pid = cellsOf((await ask(client, 'SELECT pg_backend_pid()')).find(({ type }) => type === 'D') ?? never())[0];
    client.send(simpleQuery(HELD));
    const id = requestOf((await client.until('N')).at(-1));
    await p.root.query(`SELECT pg_terminate_backend(${pid})`);
    await client.untilClosed();
    expect(client.messages.filter(({ type }) => type === 'E').map((error) => fieldsOf(error).S)).toEqual(['FATAL']);
    await p.becomes(id, 'withdrawn');
  });
});

describe('lengths and sizes', () => {
  const raw = (type: string, length: number, body = Buffer.alloc(0)) => Buffer.concat([Buffer.from(type), int32(length), body]);
  test.each([
    ['negative', raw('Q', -1)],
    ['the most negative', raw('Q', -2_147_483_648)],
    ['nothing', raw('Q', 0)],
    ['below 4', raw('Q', 3)],
    ['over 1 GB', raw('P', 0x7fffffff)],
    ['over 1 GB, of Bind', raw('B', 0x7fffffff)],
    ['over 1 GB, of Sync', raw('S', 0x7fffffff)],
    ['a Bind that promises 65,535 values', frame('B', cstring(''), cstring(''), Buffer.from([0, 0, 0xff, 0xff]))],
    ['a Bind with a value of -2', frame('B', cstring(''), cstring(''), Buffer.from([0, 0, 0, 1]), int32(-2), Buffer.from([0, 0]))],
    [
      'a Bind with a value of 1 GB',
      frame('B', cstring(''), cstring(''), Buffer.from([0, 0, 0, 1]), int32(0x3fffffff), Buffer.from([0, 0])),
    ],
    ['a Parse that promises 65,535 types', frame('P', cstring(''), cstring('SELECT 1'), Buffer.from([0xff, 0xff]))],
    ['an Execute cut short', frame('E', cstring(''))],
    ['a Describe of neither', frame('D', Buffer.from('x'), cstring(''))],
    ['a name without its end', frame('C', Buffer.from('Sabc'))],
  ])('trap-54-lengths-before-allocation: %s', async (_name, bytes) => {
    const client = await p.gateway();
    const before = resident();
    client.send(bytes, sync());
    // A FATAL and the end, or an error of that message: never silence with memory taken.
    await eventually('an end or an error', async () => client.closed || client.messages.some(({ type }) => type === 'E'));
    expect(client.messages.filter(({ type }) => type === 'D')).toEqual([]);
    expect(resident() - before).toBeLessThan(64 * 1024 * 1024);
    client.close();
  });

  test('trap-55-messages-larger-than-any-buffer-stream: 16 MB in one value, out and in', async () => {
    const client = await p.gateway();
    const answer = await ask(client, "SELECT repeat('x', 16000000)");
    expect(answer.find(({ type }) => type === 'D')?.body.length).toBe(16_000_006);
    client.send(parse('SELECT length($1::text)'), bindValues(['y'.repeat(10_000_000)]), execute(), sync());
    expect((await client.until('Z')).filter(({ type }) => type === 'D').map(cellsOf)).toEqual([['10000000']]);
  });

  test('trap-55-slow-client-pauses-upstream: memory stays flat and the server waits', async () => {
    const client = await p.gateway();
    await ask(client, "SET application_name = 'traps-slow'");
    const before = resident();
    client.socket.pause();
    client.send(simpleQuery("SELECT g, repeat('x', 500) FROM generate_series(1, 150000) AS g"));
    // ClientWrite: the server itself is held up, so nothing in between keeps what the client does not read.
    await eventually('the server waits', async () => {
      const { rows } = await p.root.query("SELECT wait_event FROM pg_stat_activity WHERE application_name = 'traps-slow'");
      return rows[0]?.wait_event === 'ClientWrite';
    });
    expect(resident() - before).toBeLessThan(64 * 1024 * 1024);
    client.socket.resume();
    expect((await client.until('Z')).filter(({ type }) => type === 'D')).toHaveLength(150_000);
  });
});

const gateway = sharedGateway();

/** Resident memory of the workers, in bytes. */
function resident(): number {
  return treeOf(gateway.pid)
    .filter((one) => /dist\/worker\.js/.test(one.command))
    .reduce((total, one) => total + one.residentBytes, 0);
}

function never(): never {
  throw new Error('it is not there');
}
