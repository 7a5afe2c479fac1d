import { describe, expect, test } from 'vitest';
import {
  bind,
  bindValues,
  cellsOf,
  closePortal,
  closeStatement,
  copyData,
  copyDone,
  describePortal,
  describeStatement,
  execute,
  fieldsOf,
  flush,
  frame,
  int32,
  parse,
  simpleQuery,
  statusOf,
  sync,
} from '../wireClient';
import { ask, cancel, letters, MASKED, OPEN, peers, play, RULED, requestOf, SECRET, same, words } from './peers';

const p = peers();
/** In the texts of this run that are looked for in the record. */
const mark = `m${Date.now()}_`;

/** Denied by the gateway, unknown to the server: both fail where it is parsed. */
const DENIED = 'SELECT * FROM gh_deny';
const insert = (id: number) => `INSERT INTO notes VALUES (${id}, 'note ${id}')`;
/** Parse, Bind, Describe, Execute of the unnamed statement. */
const run = (sql: string) => [parse(sql), bind(), describePortal(), execute()];
const asPolicy = { connection: RULED, anyError: true };
const functionCall = (oid: number) => frame('F', int32(oid), Buffer.from([0, 0, 0, 0, 0, 0]));

describe('a denial in a pipeline', () => {
  test.each([
    ['bind, describe and execute', [bind(), describePortal(), execute()]],
    ['another statement', run(insert(2))],
    ['a simple query', [simpleQuery(insert(2))]],
    ['closes', [closeStatement(), closePortal(), closeStatement('a')]],
    ['a flush', [flush()]],
    ['a function call', [functionCall(1)]],
    ['stray COPY data', [copyData('1\n'), copyDone()]],
    ['another denial', run(DENIED)],
    ['nothing', []],
  ])('trap-23-denied-parse-skips-to-sync: %s', async (_name, skipped) => {
    const frames = [...run(insert(1)), sync(), parse(DENIED), ...skipped, sync(), ...run('SELECT 1'), sync()];
    const answer = await same(p, frames, asPolicy);
    expect(letters(answer)).toMatch(/^12nCZEZ12TDCZ/);
  });

  test.each([
    ['the unnamed statement', '', [bind(), execute()]],
    ['a named statement', 'a', [bind('a'), execute()]],
    ['a portal', 'p', [execute('p')]],
  ])('trap-23-denied-parse-runs-nothing-older: %s', async (_name, name, again) => {
    const before = name === 'p' ? [parse(insert(1)), bind('', 'p')] : [parse(insert(1), name)];
    await same(p, [...before, sync(), parse(DENIED, name), ...again, sync()], asPolicy);
    await same(p, [...before, sync(), parse(DENIED, name), sync(), ...again, sync()], asPolicy);
  });

  test('trap-24-denial-in-response-order: behind a large result, and in front of one', async () => {
    const large = "SELECT repeat('x', 1000000) FROM generate_series(1, 5)";
    const answer = await same(p, [...run(large), ...run(DENIED), sync(), ...run(large), sync()], asPolicy);
    expect(letters(answer)).toBe('12TDDDDDCEZ12TDDDDDCZCZ'.replace(/CZ$/, 'NCZ'));
  });

  test('trap-24-notice-at-a-message-boundary: held behind rows that are cut anywhere', async () => {
    const client = await p.gateway(RULED);
    client.send(...run("SELECT repeat('x', 3000000) FROM generate_series(1, 3)"), ...run("SELECT 'gh_hold'"), sync());
    const before = await client.until('N');
    expect(letters(before)).toBe('12TDDDC1N');
    await p.admin.approvals.reject.mutate({ id: requestOf(before.at(-1)), reason: 'end of test' });
    expect(letters(await client.until('Z'))).toBe('EZ');
  });

  test.each([
    ['denied at Parse', [parse(DENIED)], RULED],
    ['the server’s own', [parse('SELECT nope FROM notes')], OPEN],
    ['a statement nobody has', [bind('nobody')], OPEN],
    ['a portal nobody has', [execute('nobody')], OPEN],
    ['at Execute', [parse('SELECT 1/id FROM generate_series(0, 0) AS id'), bind(), execute()], OPEN],
  ])('trap-25-errors-flush-at-once: %s', async (_name, frames, connection) => {
    const [direct, gateway] = [await p.direct(), await p.gateway(connection)];
    for (const client of [direct, gateway]) client.send(...frames);
    const options = { anyError: connection === RULED, exact: true };
    expect(words(await gateway.until('E'), options)).toEqual(words(await direct.until('E'), options));
    for (const client of [direct, gateway]) client.send(sync());
    expect(words(await gateway.until('Z'))).toEqual(words(await direct.until('Z')));
  });

  const places = [0, 1, 2, 3, 4].flatMap((place) => [false, true].map((inTransaction) => ({ place, inTransaction })));
  test.each(places)('trap-26-denied-at-each-place: $place, in a transaction: $inTransaction', async ({ place, inTransaction }) => {
    const units = [0, 1, 2, 3, 4].flatMap((n) => run(n === place ? DENIED : insert(n)));
    const begin = inTransaction ? [...run('BEGIN'), sync(), ...run(insert(9)), sync()] : [];
    const end = [...run('SELECT 1'), sync(), simpleQuery('SELECT 2'), simpleQuery('COMMIT'), simpleQuery('SELECT 3')];
    await same(p, [...begin, ...units, sync(), ...end], asPolicy);
    await same(p, [...begin, ...units.flatMap((unit) => [unit, flush()]), sync(), ...end], asPolicy);
    await same(p, [...begin, ...units, simpleQuery(insert(8)), sync(), ...end], asPolicy);
    await same(p, [...begin, ...units.flatMap((unit, i) => (i % 4 === 3 ? [unit, sync()] : [unit])), ...end], asPolicy);
  });

  test.each([
    ['a simple query ends the batch', [...run(insert(1)), simpleQuery(insert(2)), ...run(insert(3)), sync()]],
    ['a failing simple query ends the batch', [...run(insert(1)), simpleQuery('SELECT * FROM gh_deny'), ...run(insert(3)), sync()]],
    ['BEGIN and COMMIT inside', [...run('BEGIN'), ...run(insert(1)), ...run('COMMIT'), ...run(insert(2)), ...run(DENIED), sync()]],
    ['BEGIN, then the denial', [...run(insert(1)), ...run('BEGIN'), ...run(insert(2)), ...run(DENIED), ...run('COMMIT'), sync()]],
    [
      'a savepoint',
      [
        simpleQuery('BEGIN; SAVEPOINT s'),
        ...run(DENIED),
        sync(),
        simpleQuery('ROLLBACK TO s'),
        ...run(insert(1)),
        ...run('COMMIT'),
        sync(),
      ],
    ],
    ['Sync twice', [sync(), sync(), ...run(DENIED), sync(), sync(), ...run(insert(1)), sync()]],
    [
      'in a failed transaction',
      [simpleQuery('BEGIN'), simpleQuery('SELECT 1/0'), ...run(DENIED), sync(), simpleQuery(DENIED), simpleQuery('COMMIT')],
    ],
    ['two simple ones', [simpleQuery(insert(1)), simpleQuery(DENIED), simpleQuery(insert(2)), simpleQuery(DENIED)]],
    [
      'a simple one in a transaction',
      [simpleQuery('BEGIN'), simpleQuery(insert(1)), simpleQuery(DENIED), simpleQuery(insert(2)), simpleQuery('COMMIT')],
    ],
  ])('trap-26-rolled-back-as-postgres-would: %s', async (_name, frames) => {
    await same(p, frames, asPolicy);
  });

  test('trap-26-the-record-says-so: what ran, what was denied, and nothing of what was skipped', async () => {
    const client = await p.gateway(RULED);
    const unit = (n: number) => run(`SELECT ${n} AS ${mark}26`);
    await play(client, [...unit(1), ...unit(2), ...run(`SELECT 3 AS ${mark}26, 'gh_deny'`), ...unit(4), sync()]);
    await expect
      .poll(async () => (await p.recorded(`${mark}26`)).map(({ sql, status, sqlstate }) => [sql.slice(0, 8), status, sqlstate]).sort())
      .toEqual([
        ['SELECT 1', 'done', null],
        ['SELECT 2', 'done', null],
        ['SELECT 3', 'denied', '42501'],
      ]);
  });

  test('trap-26-the-record-says-so: what was rolled back with the denied statement, in an implicit and an explicit transaction', async () => {
    const client = await p.gateway(RULED);
    const write = (id: number) => run(`INSERT INTO notes VALUES (${id}, '${mark}26w')`);
    await play(client, [...write(71), ...write(72), ...run(`SELECT 73, '${mark}26w gh_deny'`), sync()]);
    await play(client, [simpleQuery('BEGIN'), ...write(74), sync(), simpleQuery('ROLLBACK'), ...write(75), sync()]);
    await expect
      .poll(async () => (await p.recorded(`${mark}26w`)).map(({ sql, status }) => [/\d\d/.exec(sql)?.[0], status]).sort())
      .toEqual([
        ['71', 'rolledBack'],
        ['72', 'rolledBack'],
        ['73', 'denied'],
        ['74', 'rolledBack'],
        ['75', 'done'],
      ]);
    expect((await p.root.query('SELECT id FROM notes WHERE id > 70')).rows).toEqual([{ id: 75 }]);
  });
});

describe('the unnamed portal behind a simple Query', () => {
  test.each([
    ['in the implicit transaction of a pipeline', [...run('SELECT 1'), simpleQuery('SELECT 2'), execute(), sync()]],
    [
      'that begins a transaction',
      [...run('SELECT 1'), simpleQuery('BEGIN; SELECT 2; SELECT 3'), execute(), sync(), simpleQuery('ROLLBACK')],
    ],
    [
      'in a transaction block',
      [simpleQuery('BEGIN'), ...run('SELECT 1'), simpleQuery('SELECT 2'), execute(), sync(), simpleQuery('ROLLBACK')],
    ],
    ['bound only', [simpleQuery('BEGIN'), parse('SELECT 1'), bind(), simpleQuery('SELECT 2'), execute(), sync(), simpleQuery('ROLLBACK')]],
  ])('trap-31-unnamed-portal-%s', async (_name, frames) => {
    await same(p, frames);
  });
});

describe('a hold in mid-pipeline', () => {
  const held = (id: number) => [...run(`INSERT INTO notes VALUES (${id}, 'gh_hold')`), ...run(insert(id + 1)), sync()];

  test('trap-27-cancel-while-a-pipeline-waits', async () => {
    await p.root.query('TRUNCATE notes');
    const client = await p.gateway(RULED);
    client.send(...run('SELECT 1'), ...held(1));
    const before = await client.until('N');
    expect(letters(before)).toBe('12TDC1N');
    await cancel(client, p.settings(RULED).port);
    const answer = await client.until('Z');
    expect(letters(answer)).toBe('EZ');
    expect(fieldsOf(answer[0] ?? fail())).toMatchObject({ C: '57014' });
    expect(statusOf(answer)).toBe('I');
    expect((await p.root.query('SELECT FROM notes')).rowCount).toBe(0);
  });

  test.each([
    ['Terminate', (client: Wire) => client.send(frame('X'))],
    ['a closed socket', (client: Wire) => client.socket.destroy()],
    ['a reset', (client: Wire) => client.socket.resetAndDestroy()],
  ])('trap-27-seen-while-a-pipeline-waits: %s', async (_name, leave) => {
    const client = await p.gateway(RULED);
    // A table would stay locked by its Parse if this one were not seen to leave.
    client.send(...run("SELECT 'gh_hold'"), ...run('SELECT 1'), sync());
    const id = requestOf((await client.until('N')).at(-1));
    leave(client);
    await p.becomes(id, 'withdrawn');
  });

  test.each([
    ['a closed socket', (client: Wire) => client.socket.destroy()],
    ['a reset', (client: Wire) => client.socket.resetAndDestroy()],
  ])('trap-27-seen-behind-more-than-the-gateway-reads: %s', async (_name, leave) => {
    const client = await p.gateway(RULED);
    // A table would stay locked by its Parse if this one were not seen to leave.
    client.send(...run("SELECT 'gh_hold'"), ...run('SELECT 1'), sync());
    const id = requestOf((await client.until('N')).at(-1));
    // More than may wait unread in front of a held statement, and less than the kernel takes without the gateway reading it.
    client.send(...Array.from({ length: 30 }, () => parse(`SELECT '${'x'.repeat(50_000)}'`)));
    await new Promise((resolve) => client.socket.write('', resolve));
    leave(client);
    await p.becomes(id, 'withdrawn');
  });
});

describe('describing', () => {
  const typed = 'SELECT $1::int AS n, $2::text AS t, ARRAY[$1::int] AS a';
  test('trap-28-describe-of-statement-and-portal-differ', async () => {
    for (const results of [[], [0], [1], [0, 1, 0], [1, 0, 1]] as (0 | 1)[][]) {
      await same(p, [
        parse(typed, 's'),
        describeStatement('s'),
        bindValues(['7', 'x'], { statement: 's', portal: 'p', results }),
        describePortal('p'),
        execute('p'),
        sync(),
      ]);
    }
    await same(p, [parse(insert(1), 's'), describeStatement('s'), bind('s'), describePortal(), execute(), sync()]);
    await same(p, [
      describeStatement('none'),
      sync(),
      describePortal('none'),
      sync(),
      parse(''),
      describeStatement(),
      bind(),
      describePortal(),
      sync(),
    ]);
    // As many codes as there are columns, or an error of the server.
    await same(p, [parse(typed), bindValues(['7', 'x'], { results: [0, 1] }), execute(), sync()]);
    await same(p, [parse(typed), bindValues(['7', 'x'], { formats: [0, 0, 1] }), execute(), sync()]);
  });

  test('trap-28-formats-of-a-masked-result: each code as it was asked for', async () => {
    for (const results of [[], [0], [1], [1, 0], [0, 1]] as (0 | 1)[][]) {
      const frames = [
        parse('SELECT id, ssn FROM people WHERE id = 7'),
        describeStatement(),
        bindValues([], { results }),
        describePortal(),
        execute(),
        sync(),
      ];
      const direct = await play(await p.direct(), frames);
      const gateway = await play(await p.gateway(MASKED), frames);
      const cells = (messages: typeof direct) => messages.filter(({ type }) => type === 'D').map(cellsOf);
      expect(words(gateway.filter(({ type }) => type !== 'D'))).toEqual(words(direct.filter(({ type }) => type !== 'D')));
      expect(cells(gateway).map(([id]) => id)).toEqual(cells(direct).map(([id]) => id));
      expect(cells(gateway).map(([, ssn]) => ssn)).toEqual(['***']);
    }
  });
});

describe('verdict and record', () => {
  test('trap-29-every-execute-is-recorded: with its own parameters, portions and repeats too', async () => {
    const client = await p.gateway();
    const again = (value: string) => [bindValues([value], { statement: 's' }), execute(), sync()];
    const portions = [bindValues(['3'], { statement: 's', portal: 'p' }), execute('p', 1), execute('p', 1), execute('p', 1), sync()];
    await play(client, [
      parse(`SELECT g AS ${mark}29 FROM generate_series(1, $1::int) AS g`, 's'),
      sync(),
      ...again('1'),
      ...again('2'),
      ...portions,
    ]);
    await expect
      .poll(async () => (await p.recorded(`${mark}29`)).map(({ parameters, rows }) => [parameters[0]?.value, rows]).sort())
      .toEqual([
        ['1', 1],
        ['2', 2],
        ['3', 1],
        ['3', 1],
        ['3', 1],
      ]);
  });

  test('trap-29-verdict-at-parse-and-again-at-bind: a statement prepared before a rule is denied by it', async () => {
    const client = await p.gateway(RULED);
    await play(client, [parse("SELECT 'late_29'", 's'), sync()]);
    const before = (await p.admin.policy.export.query()).yaml;
    const rule = { match: { sql: 'late_29' }, action: 'deny' as const, connections: [RULED], groups: [], message: null };
    const { id } = await p.admin.rules.save.mutate({ ...rule, name: 'traps-late', mode: 'enforce' });
    try {
      await expect.poll(async () => letters(await play(client, [bind('s'), execute(), sync()]))).toMatch(/^EZ/);
    } finally {
      await p.admin.rules.remove.mutate({ id });
    }
    expect((await p.admin.policy.export.query()).yaml).toBe(before);
  });

  test('trap-30-repeat-without-describe-keeps-its-mask: by name, by portal, described by statement alone', async () => {
    const client = await p.gateway(MASKED);
    for (const described of [[], [describeStatement('s')]]) {
      const name = parse('SELECT ssn FROM people WHERE id < 4 ORDER BY id', 's');
      const answer = await play(client, [
        name,
        ...described,
        sync(),
        ...[0, 1, 0, 1].flatMap((format) => [bind('s', '', format as 0 | 1), execute(), sync()]),
        bind('s', 'p'),
        execute('p', 1),
        execute('p', 1),
        execute('p'),
        closeStatement('s'),
        sync(),
      ]);
      const cells = answer.filter(({ type }) => type === 'D').map((row) => cellsOf(row)[0]);
      expect(cells).toEqual(Array.from({ length: 15 }, () => '***'));
    }
  });
});

describe('names', () => {
  test.each([
    ['a taken name is 42P05', [parse('SELECT 1', 'a'), parse('SELECT 2', 'a'), bind('a'), sync(), bind('a'), execute(), sync()]],
    ['closed, then taken anew', [parse('SELECT 1', 'a'), closeStatement('a'), parse('SELECT 2', 'a'), bind('a'), execute(), sync()]],
    [
      'a taken portal is 42P03',
      [simpleQuery('BEGIN'), parse('SELECT 1', 'a'), bind('a', 'p'), bind('a', 'p'), sync(), execute('p'), sync()],
    ],
    ['the unnamed statement is replaced', [parse('SELECT 1'), parse('SELECT 2'), bind(), execute(), sync()]],
    [
      'the unnamed statement is destroyed by a simple query',
      [parse('SELECT 1'), sync(), simpleQuery('SELECT 2'), bind(), execute(), sync()],
    ],
    ['by an empty one', [parse('SELECT 1'), sync(), simpleQuery(''), bind(), execute(), sync()]],
    ['by one that fails to parse', [parse('SELECT 1'), sync(), simpleQuery('SELEC 2'), bind(), execute(), sync()]],
    ['by one that fails', [parse('SELECT 1'), sync(), simpleQuery('SELECT 1/0'), bind(), execute(), sync()]],
    ['by one that is denied', [parse('SELECT 1'), sync(), simpleQuery(DENIED), bind(), execute(), sync()]],
    ['not by Close of a name', [parse('SELECT 1'), closeStatement('a'), bind(), execute(), sync()]],
    ['by its own Close', [parse('SELECT 1'), closeStatement(), bind(), execute(), sync()]],
    [
      'the unnamed portal is replaced, and ends with its transaction',
      [parse('SELECT 1'), bind(), bind(), execute(), sync(), execute(), sync()],
    ],
    [
      'a portal lives as long as its transaction',
      [simpleQuery('BEGIN'), parse('SELECT 1'), bind('', 'p'), sync(), execute('p'), sync(), simpleQuery('COMMIT'), execute('p'), sync()],
    ],
    [
      'a portal outlives its statement',
      [simpleQuery('BEGIN'), parse('SELECT 1', 'a'), bind('a', 'p'), closeStatement('a'), execute('p'), sync()],
    ],
  ])('trap-31-reuse-of-names: %s', async (_name, frames) => {
    await same(p, frames, asPolicy);
  });

  test.each([
    ['close of what does not exist', [closeStatement('x'), closePortal('x'), closeStatement(), closePortal(), sync()]],
    ['one name in both', [parse('SELECT 1', 'x'), bind('x', 'x'), closeStatement('x'), execute('x'), sync()]],
    ['closing the portal leaves the statement', [parse('SELECT 1', 'x'), bind('x', 'x'), closePortal('x'), bind('x'), execute(), sync()]],
    ['a closed portal is gone', [parse('SELECT 1'), bind('', 'x'), closePortal('x'), execute('x'), sync()]],
    ['a cursor and a portal share one', [simpleQuery('BEGIN; DECLARE x CURSOR FOR SELECT 1'), parse('SELECT 2'), bind('', 'x'), sync()]],
    [
      'close of a cursor by the protocol',
      [simpleQuery('BEGIN; DECLARE x CURSOR FOR SELECT 1'), closePortal('x'), sync(), simpleQuery('FETCH x')],
    ],
    [
      'a cursor executed by the protocol',
      [simpleQuery('BEGIN; DECLARE x CURSOR FOR SELECT g FROM generate_series(1,3) g'), execute('x', 1), execute('x'), sync()],
    ],
    ['a cursor described by the protocol', [simpleQuery('BEGIN; DECLARE x CURSOR FOR SELECT 1 AS one'), describePortal('x'), sync()]],
  ])('trap-32-two-name-spaces: %s', async (_name, frames) => {
    await same(p, frames);
  });

  test.each([
    ['the server refuses', 'SELECT nope FROM notes', OPEN],
    ['a syntax error', 'SELEC 1', OPEN],
    ['denied', DENIED, RULED],
  ])('trap-33-failed-parse-leaves-no-name: %s', async (_name, sql, connection) => {
    const options = { connection, anyError: connection === RULED };
    await same(p, [parse(sql, 'a'), sync(), bind('a'), execute(), sync(), parse('SELECT 1', 'a'), bind('a'), execute(), sync()], options);
    await same(p, [parse('SELECT 1'), sync(), parse(sql), sync(), bind(), execute(), sync()], options);
    await same(p, [parse('SELECT 1', 'a'), sync(), closeStatement('a'), parse(sql, 'a'), sync(), bind('a'), execute(), sync()], options);
    await same(p, [parse('SELECT 1', 'a'), parse(sql, 'b'), sync(), bind('a'), execute(), sync(), bind('b'), sync()], options);
  });
});

describe('portals in portions', () => {
  const series = 'SELECT g FROM generate_series(1, 5) AS g';
  test.each([
    ['limits', [parse(series), bind(), execute('', 2), execute('', 2), execute('', 2), execute('', 2), sync()]],
    ['to the end at once', [parse(series), bind(), execute('', 2), execute(), sync()]],
    ['exactly all', [parse(series), bind(), execute('', 5), execute('', 5), sync()]],
    ['Flush between', [parse(series), bind(), execute('', 1), flush(), execute('', 1), flush(), sync()]],
    ['Sync ends it outside a transaction', [parse(series), bind('', 'p'), execute('p', 1), sync(), execute('p', 1), sync()]],
    ['Sync leaves it inside one', [simpleQuery('BEGIN'), parse(series), bind('', 'p'), execute('p', 1), sync(), execute('p', 3), sync()]],
    [
      'a simple query between',
      [simpleQuery('BEGIN'), parse(series), bind('', 'p'), execute('p', 1), simpleQuery('SELECT 0'), execute('p', 3), sync()],
    ],
    [
      'two at once',
      [parse(series), bind('', 'p'), bind('', 'q'), execute('p', 1), execute('q', 2), execute('p', 1), execute('q', 2), sync()],
    ],
    [
      'RETURNING',
      [
        parse("INSERT INTO notes SELECT g, 'x' FROM generate_series(1, 3) AS g RETURNING id"),
        bind(),
        execute('', 1),
        execute('', 1),
        execute('', 9),
        sync(),
      ],
    ],
    ['a command executed twice', [parse(insert(1)), bind(), execute(), execute(), sync()]],
    ['a negative limit', [parse(series), bind(), execute('', -1), sync()]],
    [
      'FETCH of a suspended portal',
      [simpleQuery('BEGIN'), parse(series), bind('', 'p'), execute('p', 1), sync(), simpleQuery('FETCH 1 FROM p'), execute('p', 1), sync()],
    ],
  ])('trap-34-suspended-portal: %s', async (_name, frames) => {
    await same(p, frames);
  });

  test('trap-34-suspended-portal-keeps-its-mask: over Syncs in a transaction, and with a query between', async () => {
    const client = await p.gateway(MASKED);
    const answer = await play(client, [
      simpleQuery('BEGIN'),
      parse('SELECT ssn FROM people ORDER BY id LIMIT 6'),
      bind('', 'p'),
      execute('p', 1),
      sync(),
      execute('p', 2),
      simpleQuery('SELECT NULL'),
      execute('p', 2),
      sync(),
      execute('p'),
      sync(),
    ]);
    const cells = answer.filter(({ type }) => type === 'D').map((row) => cellsOf(row)[0]);
    expect(cells).toEqual(['***', '***', '***', null, '***', '***', '***']);
  });
});

describe('SQL PREPARE and the protocol share their names', () => {
  test.each([
    [
      'prepared in SQL, bound by the protocol',
      [simpleQuery('PREPARE a AS SELECT 1 AS one'), describeStatement('a'), bind('a'), execute(), sync()],
    ],
    ['parsed by the protocol, executed in SQL', [parse('SELECT $1::int', 'a'), sync(), simpleQuery('EXECUTE a(3)')]],
    ['DEALLOCATE of a Parse', [parse('SELECT 1', 'a'), sync(), simpleQuery('DEALLOCATE a'), bind('a'), sync()]],
    ['Close of a PREPARE', [simpleQuery('PREPARE a AS SELECT 1'), closeStatement('a'), sync(), simpleQuery('EXECUTE a')]],
    [
      'DEALLOCATE ALL',
      [
        parse('SELECT 1', 'a'),
        sync(),
        simpleQuery('PREPARE b AS SELECT 2'),
        simpleQuery('DEALLOCATE ALL'),
        bind('a'),
        sync(),
        bind('b'),
        sync(),
      ],
    ],
    [
      'DISCARD ALL',
      [
        parse('SELECT 1', 'a'),
        sync(),
        simpleQuery('PREPARE b AS SELECT 2'),
        simpleQuery('DISCARD ALL'),
        bind('a'),
        sync(),
        bind('b'),
        sync(),
        parse('SELECT 3', 'a'),
        bind('a'),
        execute(),
        sync(),
      ],
    ],
    [
      'DISCARD PLANS keeps names',
      [
        parse('SELECT 1', 'a'),
        sync(),
        simpleQuery('PREPARE b AS SELECT 2'),
        simpleQuery('DISCARD PLANS'),
        bind('a'),
        execute(),
        sync(),
        simpleQuery('EXECUTE b'),
      ],
    ],
    [
      'a taken name, either way',
      [
        parse('SELECT 1', 'a'),
        sync(),
        simpleQuery('PREPARE a AS SELECT 2'),
        simpleQuery('PREPARE b AS SELECT 2'),
        parse('SELECT 3', 'b'),
        sync(),
      ],
    ],
    [
      'all in one pipeline',
      [
        ...run('PREPARE a AS SELECT $1::int'),
        ...run('EXECUTE a(1)'),
        ...run('DEALLOCATE a'),
        ...run('PREPARE a AS SELECT 2'),
        ...run('EXECUTE a'),
        sync(),
      ],
    ],
    [
      'PREPARE rolled back stays',
      [simpleQuery('BEGIN'), simpleQuery('PREPARE a AS SELECT 1'), simpleQuery('ROLLBACK'), simpleQuery('EXECUTE a')],
    ],
    ['PREPARE in a text that fails later stays', [simpleQuery('PREPARE a AS SELECT 1; SELECT 1/0'), simpleQuery('EXECUTE a')]],
    ['several in one text', [simpleQuery('PREPARE a AS SELECT 1; EXECUTE a; DEALLOCATE a; PREPARE a AS SELECT 2; EXECUTE a')]],
    ['a name that is not there, simple', [simpleQuery('EXECUTE a'), simpleQuery('DEALLOCATE a'), simpleQuery('SELECT 1')]],
    [
      'a name that is not there, in a transaction',
      [simpleQuery('BEGIN'), simpleQuery('EXECUTE a'), simpleQuery('SELECT 1'), simpleQuery('COMMIT')],
    ],
    ['a name that is not there, extended', [parse('EXECUTE a'), bind(), execute(), sync()]],
    [
      'a Parse of EXECUTE before there is one',
      [parse('EXECUTE a', 'e'), sync(), simpleQuery('PREPARE a AS SELECT 1'), bind('e'), execute(), sync()],
    ],
    ['DEALLOCATE of the unnamed does not parse', [parse('SELECT 1'), sync(), simpleQuery('DEALLOCATE ""'), bind(), execute(), sync()]],
    [
      'quoted and folded names',
      [
        simpleQuery('PREPARE "A b" AS SELECT 1; PREPARE Ab AS SELECT 2'),
        bind('A b'),
        execute(),
        bind('ab'),
        execute(),
        sync(),
        bind('Ab'),
        sync(),
      ],
    ],
    [
      'CREATE TABLE AS EXECUTE',
      [simpleQuery('PREPARE a AS SELECT 7 AS n'), simpleQuery('CREATE TEMP TABLE t AS EXECUTE a'), simpleQuery('SELECT n + 0 FROM t')],
    ],
    ['EXPLAIN EXECUTE', [simpleQuery('PREPARE a AS SELECT 7 AS n'), simpleQuery('EXPLAIN EXECUTE a')]],
  ])('trap-35-one-table-of-names: %s', async (_name, frames) => {
    await same(p, frames);
  });

  test.each([
    ['PREPARE of what is denied', [simpleQuery('PREPARE a AS SELECT * FROM gh_deny'), simpleQuery('EXECUTE a'), bind('a'), sync()]],
    ['Parse of it', [parse(DENIED, 'a'), sync(), simpleQuery('EXECUTE a'), simpleQuery('DEALLOCATE a')]],
    [
      'behind a DEALLOCATE in one text',
      [
        simpleQuery('PREPARE a AS SELECT 1'),
        simpleQuery('DEALLOCATE a'),
        simpleQuery('PREPARE a AS SELECT * FROM gh_deny'),
        simpleQuery('EXECUTE a'),
      ],
    ],
  ])('trap-35-judged-at-prepare-and-at-execute: %s', async (_name, frames) => {
    await same(p, frames, asPolicy);
  });
});

describe('what changes between Parse and Execute', () => {
  test('trap-36-cached-plan-must-not-change-result-type', async () => {
    await p.root.query('CREATE TABLE shifting (a int); GRANT ALL ON shifting TO traps_app; INSERT INTO shifting VALUES (1)');
    const play36 = async (client: Wire) => {
      await p.root.query('ALTER TABLE shifting ALTER a TYPE int');
      const answers = [await play(client, [parse('SELECT * FROM shifting', 's'), describeStatement('s'), bind('s'), execute(), sync()])];
      await p.root.query('ALTER TABLE shifting ALTER a TYPE text');
      answers.push(
        await play(client, [
          bind('s'),
          execute(),
          sync(),
          bind('s'),
          describePortal(),
          execute(),
          sync(),
          simpleQuery('SELECT * FROM shifting'),
        ]),
      );
      await p.root.query('ALTER TABLE shifting ALTER a TYPE int USING a::int');
      answers.push(await play(client, [bind('s'), execute(), sync()]));
      return answers.map((answer) => words(answer));
    };
    expect(await play36(await p.gateway())).toEqual(await play36(await p.direct()));
    expect(await play36(await p.gateway(MASKED))).toEqual(await play36(await p.direct()));
  });

  test('trap-36-search-path-between-parse-and-execute: what it reads now is masked', async () => {
    await p.root.query(
      "SET ROLE traps_app; CREATE SCHEMA harmless; CREATE VIEW harmless.people AS SELECT 1 AS id, 'nothing'::text AS ssn; RESET ROLE",
    );
    const query = 'SELECT ssn FROM people ORDER BY id LIMIT 1';
    for (const change of ['SET search_path TO public', "SELECT set_config('search_path', 'public', false)", 'RESET search_path']) {
      const client = await p.gateway(MASKED);
      const answer = await play(client, [
        ...[simpleQuery('SET search_path TO harmless'), parse(query, 's'), describeStatement('s'), bind('s'), execute(), sync()],
        ...[simpleQuery(change), bind('s'), execute(), sync(), bind('s', 'p'), ...run(change), execute('p'), sync()],
        ...[simpleQuery(`PREPARE q AS ${query}`), simpleQuery('SET search_path TO public'), simpleQuery('EXECUTE q')],
      ]);
      expect(words(answer).join(), change).not.toMatch(SECRET);
    }
  });

  test('trap-36-catalog-between-parse-and-execute: a view that begins to read a masked column', async () => {
    const harmless = 'CREATE OR REPLACE VIEW turning AS SELECT id, name AS word FROM people WHERE id < 3';
    const harmful = 'CREATE OR REPLACE VIEW turning AS SELECT id, ssn AS word FROM people WHERE id < 3';
    await p.root.query(`SET ROLE traps_app; ${harmless}; RESET ROLE`);
    const client = await p.gateway(MASKED);
    const first = await play(client, [parse('SELECT word FROM turning', 's'), describeStatement('s'), bind('s'), execute(), sync()]);
    expect(first.filter(({ type }) => type === 'D').map((row) => cellsOf(row)[0])).toEqual(['person 1', 'person 2']);
    await p.root.query(`SET ROLE traps_app; ${harmful}; RESET ROLE`);
    // Made outside the gateway: known once the catalog was read again.
    await expect
      .poll(async () => words(await play(client, [bind('s'), execute(), sync()])).join(), { timeout: 15_000 })
      .not.toMatch(SECRET);
    for (const frames of [
      [bind('s'), execute(), sync()],
      [bind('s'), describePortal(), execute(), sync()],
      [simpleQuery('SELECT word FROM turning')],
    ])
      expect(words(await play(client, frames)).join()).not.toMatch(SECRET);
    // By this very session, in its open transaction, which the catalog's own connection cannot see.
    await p.root.query(`SET ROLE traps_app; ${harmless}; RESET ROLE`);
    await ask(client, 'SELECT word FROM turning');
    const own = await play(client, [
      simpleQuery('BEGIN'),
      simpleQuery(harmful),
      bind('s'),
      execute(),
      sync(),
      simpleQuery('SELECT word FROM turning'),
    ]);
    expect(words(own).join()).not.toMatch(SECRET);
  });
});

describe('parameters', () => {
  const INT = Buffer.from([0, 0, 0, 42]);
  test('trap-37-binary-parameters-are-recorded-as-values: of types the server chose', async () => {
    const client = await p.gateway();
    const sql = `SELECT $1 + 1::int AS ${mark}37, $2::bool, $3::int8`;
    const values = [INT, Buffer.from([1]), Buffer.from([0, 0, 0, 0, 0, 0, 0, 7])];
    await play(client, [
      parse(sql, 's'),
      describeStatement('s'),
      sync(),
      bindValues(values, { statement: 's', formats: [1] }),
      execute(),
      sync(),
    ]);
    await expect
      .poll(async () => (await p.recorded(`${mark}37`)).map(({ parameters }) => parameters.map(({ value }) => value)))
      .toEqual([['42', 'true', '7']]);
  });

  test('trap-37-binary-parameters-without-describe: the reviewer sees the value all the same', async () => {
    const client = await p.gateway(RULED);
    client.send(parse("SELECT $1 + 1::int AS n, 'gh_hold'"), bindValues([INT], { formats: [1] }), execute(), sync());
    const id = requestOf((await client.until('N')).at(-1));
    expect((await p.admin.approvals.get.query({ id })).parameters.map(({ value }) => value)).toEqual(['42']);
    await p.admin.approvals.approve.mutate({ id });
    expect(letters(await client.until('Z'))).toMatch(/DCZ$/);
  });
});

describe('types under a mask', () => {
  const TYPED: [string, string][] = [
    ['numeric', '12.50'],
    ['timestamptz', '2020-02-03 04:05:06+00'],
    ['uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    ['jsonb', '{"a": 1}'],
    ['int[]', '{1,2,3}'],
    ['text[]', '{x,y}'],
    ['int4range', '[1,5)'],
    ['pair', '(1,x)'],
    ['small', '7'],
    ['mood', 'glad'],
    ['bytea', '\\x0102'],
    ['inet', '10.0.0.1'],
    ['interval', '1 day'],
    ['boolean', 'true'],
    ['date', '2020-02-03'],
    ['int', '5'],
    ['text', 'word'],
    ['varchar(10)', 'word'],
    ['char(4)', 'word'],
  ];
  test('trap-38-masked-binary-stays-valid-for-its-type', async () => {
    const columns = TYPED.map(([type], i) => `c${i} ${type}`).join(', ');
    await p.root.query(
      `SET ROLE traps_app; CREATE TYPE pair AS (n int, t text); CREATE DOMAIN small AS int CHECK (value < 10);
       CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE typed (${columns}); RESET ROLE`,
    );
    await p.root.query(`INSERT INTO typed VALUES (${TYPED.map(([, value]) => `'${value}'`).join(', ')})`);
    const direct = await p.direct();
    for (const format of [0, 1] as const) {
      const client = await p.gateway(MASKED);
      const answer = await play(client, [parse('SELECT * FROM typed'), bind('', '', format), describePortal(), execute(), sync()]);
      expect(letters(answer)).toMatch(/^12TDCZ/);
      const row = answer.find(({ type }) => type === 'D') ?? fail();
      for (const [i, cell] of rawCells(row.body).entries()) {
        const [type = '', value] = TYPED[i] ?? [];
        if (cell === null) continue;
        // What left is a value of the type: the server itself takes it back, in the same format.
        const back = await play(direct, [
          parse(`SELECT ($1::${type})::text`),
          bindValues([cell], { formats: [format] }),
          execute(),
          sync(),
        ]);
        const [text] = back.filter((message) => message.type === 'D').map((message) => cellsOf(message)[0]);
        expect(letters(back), `${type} in format ${format}`).toMatch(/^12DCZ/);
        expect(text, type).not.toBe(value);
      }
    }
  });
});

describe('what is refused or empty', () => {
  test.each([
    ['alone', [functionCall(1)]],
    ['in a transaction', [simpleQuery('BEGIN'), functionCall(1), simpleQuery('SELECT 1'), simpleQuery('COMMIT')]],
    ['in a failed one', [simpleQuery('BEGIN'), simpleQuery('SELECT 1/0'), functionCall(1), simpleQuery('COMMIT')]],
    ['behind a batch without Sync', [...run(insert(1)), functionCall(1), ...run('SELECT 1'), sync()]],
  ])('trap-39-function-call-refused-in-the-right-state: %s', async (_name, frames) => {
    await same(p, frames, { anyError: true });
  });

  test('trap-39-function-call-by-oid-never-runs', async () => {
    const { rows } = await p.root.query("SELECT 'pg_backend_pid'::regproc::oid::int AS oid");
    const client = await p.gateway();
    client.send(functionCall(rows[0].oid));
    const answer = await client.until('Z');
    expect(letters(answer)).toBe('EZ');
    expect(fieldsOf(answer[0] ?? fail())).toMatchObject({ C: '42501', M: 'function call protocol is not allowed' });
  });

  test.each([
    ['the last is denied', `${insert(1)}; ${DENIED}`, 'I'],
    ['the first is denied', `${DENIED}; ${insert(1)}`, 'I'],
    ['behind a COMMIT', `BEGIN; ${insert(1)}; COMMIT; ${DENIED}`, 'I'],
    ['one is held, one denied', `${insert(1)}; SELECT 'gh_hold'; ${DENIED}`, 'I'],
    ['one cannot be read', `${insert(1)}; SELEC 1`, 'I'],
  ])('trap-40-one-denied-denies-all: %s', async (_name, sql, status) => {
    await p.root.query('TRUNCATE notes');
    const client = await p.gateway(RULED);
    const answer = await ask(client, sql);
    expect(letters(answer)).toBe('EZ');
    expect(statusOf(answer)).toBe(status);
    expect((await p.root.query('SELECT FROM notes')).rowCount).toBe(0);
    await ask(client, 'BEGIN');
    expect(statusOf(await ask(client, sql))).toBe('E');
    expect((await p.root.query('SELECT FROM notes')).rowCount).toBe(0);
  });

  test('trap-40-one-held-holds-all: it runs whole or not at all', async () => {
    await p.root.query('TRUNCATE notes');
    const client = await p.gateway(RULED);
    client.send(simpleQuery(`${insert(1)}; INSERT INTO notes VALUES (2, 'gh_hold'); ${insert(3)}`));
    const notice = (await client.until('N')).at(-1);
    expect((await p.root.query('SELECT FROM notes')).rowCount).toBe(0);
    await p.admin.approvals.approve.mutate({ id: requestOf(notice) });
    expect(letters(await client.until('Z'))).toBe('CCCZ');
    expect((await p.root.query('SELECT FROM notes')).rowCount).toBe(3);
  });

  test.each([
    ['several', [simpleQuery(`${insert(1)}; SELECT 1; ; SELECT 2;`)]],
    ['an error half-way rolls all back', [simpleQuery(`${insert(1)}; SELECT 1/0; SELECT 2`)]],
    ['with transactions inside', [simpleQuery(`${insert(1)}; BEGIN; ${insert(2)}; COMMIT; ${insert(3)}; SELECT 1/0`)]],
    ['in the extended protocol it is an error', [parse('SELECT 1; SELECT 2'), bind(), execute(), sync()]],
  ])('trap-40-multi-statement-as-postgres: %s', async (_name, frames) => {
    await same(p, frames);
  });

  const query = (bytes: Buffer) => frame('Q', bytes);
  test.each([
    ['nothing', [simpleQuery(''), simpleQuery('  '), simpleQuery(';'), simpleQuery(';;'), simpleQuery('-- x'), simpleQuery('/* x */ ;')]],
    ['nothing, extended', ['', ' ', ';', '-- x', '/* x */'].flatMap((sql) => [...run(sql), describeStatement(), execute('', 1), sync()])],
    ['nothing, in a transaction', [simpleQuery('BEGIN'), simpleQuery(''), ...run(''), sync(), simpleQuery('COMMIT')]],
    [
      'nothing, in a failed one',
      [simpleQuery('BEGIN'), simpleQuery('SELECT 1/0'), simpleQuery(''), ...run(''), sync(), simpleQuery('COMMIT')],
    ],
    [
      'zero-column rows',
      [simpleQuery('SELECT FROM nothing'), simpleQuery('SELECT'), ...run('SELECT FROM nothing'), sync(), simpleQuery('TABLE nothing')],
    ],
    ['1,664 columns', [simpleQuery(`SELECT ${Array.from({ length: 1_664 }, (_, i) => i)}`)]],
    ['1,665 columns', [simpleQuery(`SELECT ${Array.from({ length: 1_665 }, (_, i) => i)}`)]],
    ['a NUL in a text parameter', [parse('SELECT $1::text'), bindValues(['a\0b']), execute(), sync()]],
    ['a very long name', [parse('SELECT 1', 'n'.repeat(5_000)), bind('n'.repeat(5_000)), execute(), sync(), bind('n'.repeat(63)), sync()]],
    ['odd names', [parse('SELECT 1', ' ";\n\u00e9'), bind(' ";\n\u00e9', '%s'), execute('%s'), sync()]],
  ])('trap-41-odd-shapes: %s', async (_name, frames) => {
    await same(p, frames);
  });

  test('trap-41-nul-inside-a-text: refused, and nothing behind the NUL runs', async () => {
    for (const bytes of [query(Buffer.from(`SELECT 1\0; ${insert(1)}\0`)), query(Buffer.from('SELECT 1'))]) {
      await p.root.query('TRUNCATE notes');
      const client = await p.gateway();
      client.send(bytes);
      expect((await client.until('E')).at(-1)?.type).toBe('E');
      expect((await p.root.query('SELECT FROM notes')).rowCount).toBe(0);
    }
  });

  test('trap-41-65535-parameters: all of them arrive, and in the record', async () => {
    const values = Array.from({ length: 65_535 }, (_, i) => String(i));
    const sql = `SELECT ${values.slice(0, 1_600).map((_, i) => `$${i + 1}::int`)}, $65535::int, cardinality(ARRAY[${values.map((_, i) => `$${i + 1}::int`)}])`;
    await same(p, [parse(sql), bindValues(values), execute(), sync()]);
    await same(p, [parse(sql), bindValues(values.slice(1)), execute(), sync()]);
  }, 60_000);
});

type Wire = Awaited<ReturnType<typeof p.gateway>>;

function fail(): never {
  throw new Error('it is not there');
}

function rawCells(row: Buffer): (Buffer | null)[] {
  const cells: (Buffer | null)[] = [];
  for (let at = 2; at < row.length; ) {
    const length = row.readInt32BE(at);
    cells.push(length < 0 ? null : row.subarray(at + 4, at + 4 + length));
    at += 4 + Math.max(length, 0);
  }
  return cells;
}
