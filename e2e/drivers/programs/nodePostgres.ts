import { once } from 'node:events';
import pg from 'pg';
import { eventually, failure, open, type ServerError } from '../../clients';
import { CopyClient } from '../../copyClient';
import { Printer } from '../printer';
import type { Target } from '../target';

type Client = Awaited<ReturnType<typeof open>>;

/** What a program with node-postgres does; nothing in its lines may differ between direct and through. */
export async function runNodePostgres(target: Target): Promise<string[]> {
  const printer = new Printer();
  const settings = settingsOf(target);
  const client = await open(settings);
  const say = printer.say.bind(printer);
  const step = (name: string, work: () => Promise<void>) =>
    printer.step(name, async () => {
      await work();
      await client.query('ROLLBACK');
      client.notices.length = 0;
    });
  const run = (query: string | pg.QueryConfig, values?: unknown[]) => runOn(client, say, query, values);

  await step('transport', async () => say(`tls=${target.tls ? 'yes' : 'no'}`));
  for (const binary of [false, true]) {
    await step(`types ${binary ? 'binary' : 'text'}`, async () => {
      const { rows, fields } = await client.query<Buffer[]>({
        ...cells,
        text: 'SELECT * FROM samples ORDER BY id',
        binary,
      } as pg.QueryArrayConfig);
      for (const [i, { name, dataTypeID, dataTypeSize, dataTypeModifier, columnID, format }] of fields.entries()) {
        if (i === 0) continue;
        for (const [row, values] of rows.entries()) {
          const value = values[i] ?? null;
          const shown = binary ? value?.toString('hex') : value?.toString();
          say(`${name}[${row + 1}]`, dataTypeID, dataTypeSize, dataTypeModifier, columnID, format, shown ?? 'NULL');
        }
      }
    });
    // A Buffer is sent in binary and a string in text, so that each value goes back in the form it came in.
    await step(`parameters ${binary ? 'binary' : 'text'}`, async () => {
      const { rows, fields } = await client.query<Buffer[]>({
        ...cells,
        text: 'SELECT * FROM samples ORDER BY id',
        binary,
      } as pg.QueryArrayConfig);
      const kinds = await client.query<{ kind: string }>(
        "SELECT format_type(atttypid, atttypmod) AS kind FROM pg_attribute WHERE attrelid = 'samples'::regclass AND attnum > 0 ORDER BY attnum",
      );
      for (const [i, { name }] of fields.entries()) {
        if (i === 0) continue;
        const values = rows.map((row) => (binary ? row[i] : row[i]?.toString()) ?? null);
        const kind = kinds.rows[i]?.kind;
        const text = `SELECT $1::${kind}, $2::${kind}, $3::${kind}, $4::${kind}`;
        try {
          const back = await client.query<Buffer[]>({ ...cells, text, values, binary } as pg.QueryArrayConfig);
          const sent = rows.map((row) => row[i]);
          for (const [n, value] of (back.rows[0] ?? []).entries()) {
            say(`${name}[${n + 1}]`, same(value, sent[n]) ? 'as sent' : `as ${value?.toString('hex')}`);
          }
        } catch (error) {
          say(name, ...errorFields(error as ServerError));
        }
      }
    });
  }
  await step('values of JavaScript', async () => {
    const values = [42, 'a\'b"c', true, null, 1.5, new Date('2024-02-29T12:00:00Z'), Buffer.from([0, 255]), ['x', null, 'y"z'], { a: [1] }];
    const text =
      'SELECT $1::int4 AS a, $2::text AS b, $3::bool AS c, $4::text AS d, $5::float8 AS e, $6::timestamptz AS f, $7::bytea AS g, $8::text[] AS h, $9::jsonb AS i';
    await run(text, values);
    await run({ text, values, binary: true } as pg.QueryConfig);
  });
  await step('prepared', async () => {
    for (const id of [1, 2, 3, 2, 1]) await run({ name: 'by-id', text: 'SELECT id, name FROM things WHERE id = $1', values: [id] });
    await run('SELECT name, statement, parameter_types, from_sql FROM pg_prepared_statements');
    await run('DEALLOCATE ALL');
    await run({ name: 'by-id', text: 'SELECT id, name FROM things WHERE id = $1', values: [1] });
    await run({ name: 'wrong', text: 'SELECT nothing', values: [] });
    await run({ name: 'wrong', text: 'SELECT nothing', values: [] });
    await run('SELECT 1 AS alive');
  });
  await step('empty query', async () => {
    for (const text of ['', ';', '-- nothing', ' ; ; ']) {
      await run(text);
      await run({ text, queryMode: 'extended' } as pg.QueryConfig);
    }
  });
  await step('several statements', async () => {
    await run(
      "SELECT 1 AS a; SELECT 'two' AS b WHERE false; CREATE TEMP TABLE several (a int); INSERT INTO several VALUES (1), (2); SELECT 3 AS c",
    );
    await run('INSERT INTO several VALUES (3); SELECT 1/0; SELECT 5');
    await run('SELECT count(*) FROM several');
    await run('DROP TABLE several');
  });
  await step('copy', () => copy(target, say));
  await step('cancel', () => cancel(target, say));
  await step('notices', async () => {
    await client.query('SET client_min_messages = debug1');
    await run("SELECT complain('all')");
    await run('SELECT complain($1)', ['extended']);
    await client.query('RESET client_min_messages');
    for (const notice of client.notices) say(...errorFields(notice));
  });
  await step('notify', async () => {
    const heard: pg.Notification[] = [];
    client.on('notification', (message) => heard.push(message));
    await run('LISTEN pg_channel');
    await run("NOTIFY pg_channel, 'from itself ☃'");
    const other = await open(settings);
    await other.query("SELECT pg_notify('pg_channel', 'from another')");
    await other.end();
    await eventually('two notifications', async () => heard.length >= 2);
    for (const { channel, payload } of heard) say(channel, payload);
    await run('UNLISTEN *');
  });
  await step('large object by SQL', async () => {
    await run('SELECT lo_from_bytea(88892, $1)', [Buffer.from([0, 1, 2])]);
    await run('SELECT lo_get(88892)');
    await run('BEGIN');
    await run('SELECT lo_open(88892, 393216)');
    await run('SELECT loread(0, 3)');
    await run('SELECT lowrite(0, $1)', [Buffer.from('more')]);
    await run('COMMIT');
    await run('SELECT lo_get(88892)');
    await run('SELECT lo_unlink(88892)');
  });
  await step('errors', async () => {
    for (const text of ERRORS) {
      say(text);
      await run(text);
      await run(text, []);
      await run('BEGIN');
      await run(text);
      await run("SELECT 'in a failed transaction'");
      await run('ROLLBACK');
    }
    await run('SELECT $1::int', ['x']);
    await run('SELECT $1, $2', [1]);
    await run('SELECT $1::text', ['a\0b']);
    await run('SELECT 1 AS alive');
  });
  await step('transactions', async () => {
    for (const text of TRANSACTION) await run(text);
  });
  await step('cursors', async () => {
    await run('BEGIN');
    await run('DECLARE walk SCROLL CURSOR FOR SELECT id, name FROM things ORDER BY id');
    for (const text of ['FETCH 2 FROM walk', 'MOVE 5 FROM walk', 'FETCH BACKWARD 1 FROM walk', 'CLOSE walk']) await run(text, []);
    await run('COMMIT');
    // Portions of a portal: Execute with a limit, then the next one.
    await run({ text: 'SELECT g FROM generate_series(1, $1::int) AS g', values: [10], rows: 3 } as pg.QueryConfig);
  });
  await step('65535 parameters', async () => {
    const marks = Array.from({ length: 65_535 }, (_, i) => `$${i + 1}`);
    marks[0] = '$1::int';
    await run(`SELECT cardinality(ARRAY[${marks.join(',')}]) AS n`, new Array(65_535).fill(7));
  });
  await step('sizes', async () => {
    const { rows } = await client.query("SELECT g AS id, repeat('x', 40) || g AS pad FROM generate_series(1, 50000) AS g");
    say(rows.length, rows[49_999].id, rows[49_999].pad);
    const big = await client.query('SELECT length($1::text) AS sent, repeat($1, 2) AS back', ['y'.repeat(2_000_000)]);
    say(big.rows[0].sent, big.rows[0].back.length);
  });
  await step('backend pid', async () => {
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
    say('is pg_backend_pid():', rows[0].pid === (client as unknown as { processID: number }).processID ? 'yes' : 'no');
  });
  await client.end();
  return printer.end();
}

const ERRORS = [
  'SELEC 1',
  'SELECT nothing FROM things',
  'SELECT * FROM nobody',
  'SELECT 1/0',
  "INSERT INTO things VALUES (1, 'again')",
  'INSERT INTO things VALUES (1000, NULL)',
  "INSERT INTO things VALUES (1000, repeat('x', 30))",
  "INSERT INTO things VALUES (1000, 'x', -1)",
  "SELECT 'sad'::mood",
  "SELECT complain('error')",
  'CREATE ROLE somebody',
];

const TRANSACTION = [
  'CREATE TEMP TABLE kept (id int PRIMARY KEY)',
  ...['BEGIN', 'INSERT INTO kept VALUES (1)', 'SAVEPOINT one', 'INSERT INTO kept VALUES (1)', 'SELECT 1', 'ROLLBACK TO one'],
  ...['INSERT INTO kept VALUES (2) RETURNING id', 'RELEASE one', 'COMMIT', 'BEGIN', 'INSERT INTO kept VALUES (3)', 'ROLLBACK'],
  ...['BEGIN', 'SELECT 1/0', 'COMMIT', 'TABLE kept', 'DROP TABLE kept'],
];

/** Cells as bytes: what the driver makes of them is its affair. */
const cells = { rowMode: 'array' as const, types: { getTypeParser: () => (value: unknown) => Buffer.from(value as string | Buffer) } };

function settingsOf({ tls, ...target }: Target) {
  return { ...target, ssl: tls ? { rejectUnauthorized: false } : false };
}

const same = (a: Buffer | null | undefined, b: Buffer | null | undefined) => (a && b ? a.equals(b) : !a && !b);

function errorFields(error: ServerError): unknown[] {
  const { severity, code, message, detail, hint, position, internalPosition, internalQuery, where } = error;
  const { schema, table, column, dataType, constraint, file, line, routine } = error;
  const fields = {
    severity,
    code,
    message,
    detail,
    hint,
    position,
    internalPosition,
    internalQuery,
    where,
    schema,
    table,
    column,
    dataType,
  };
  return ['error', JSON.stringify({ ...fields, constraint }), `at ${file}:${line} ${routine}`];
}

async function runOn(client: Client, say: Printer['say'], query: string | pg.QueryConfig, values?: unknown[]): Promise<void> {
  try {
    // With a list of values, be it empty, by extended query.
    const answer = await client.query(
      typeof query === 'string' && values !== undefined ? ({ text: query, values, queryMode: 'extended' } as pg.QueryConfig) : query,
    );
    for (const result of Array.isArray(answer) ? (answer as pg.QueryResult[]) : [answer]) {
      say(result.command, result.rowCount, JSON.stringify(result.fields.map(({ name, dataTypeID, format }) => [name, dataTypeID, format])));
      for (const row of result.rows) say(JSON.stringify(row));
    }
  } catch (error) {
    say(...errorFields(error as ServerError));
  }
}

async function copy(target: Target, say: Printer['say']): Promise<void> {
  const client = await CopyClient.open(settingsOf(target));
  const session = async (sql: string) => say(sql, (await client.out(`COPY (${sql}) TO STDOUT`)).toString());
  try {
    for (const form of ['', ' (FORMAT csv, HEADER)', ' (FORMAT binary)']) {
      const data = await client.out(`COPY (SELECT * FROM samples ORDER BY id) TO STDOUT${form}`);
      say(form, form.includes('binary') ? data.toString('hex') : data.toString());
      await client.in('CREATE TEMP TABLE copied (LIKE samples)', 'fail');
      say(await client.in(`COPY copied FROM STDIN${form}`, data));
      await session('SELECT count(*) FROM samples AS s JOIN copied AS c USING (id) WHERE s::text = c::text');
      await client.in('DROP TABLE copied', 'fail');
    }
    for (const data of [Buffer.from('x\ty\n'), 'fail' as const, Buffer.from('1000\tx\t-1\n')]) {
      say(...errorFields(await failure(client.in('COPY things FROM STDIN', data))));
    }
    say(...errorFields(await failure(client.out('COPY (SELECT 1/(3 - g) FROM generate_series(1, 5) AS g) TO STDOUT'))));
    await session('SELECT count(*) FROM things');
  } finally {
    await client.close();
  }
}

async function cancel(target: Target, say: Printer['say']): Promise<void> {
  const victim = await open(settingsOf(target));
  const watcher = await open(settingsOf(target));
  for (const text of ['SELECT pg_sleep(21)', "SELECT 'first'; SELECT pg_sleep(21)"]) {
    const slow = failure(victim.query(text));
    await eventually('the statement runs', async () => {
      const { rows } = await watcher.query(
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(21)' AND state = 'active' AND wait_event = 'PgSleep'",
      );
      return rows.length > 0;
    });
    await sendCancel(victim, target);
    say(...errorFields(await slow));
    say(JSON.stringify((await victim.query('SELECT 2 AS alive')).rows));
  }
  // A late cancel hits nothing.
  await sendCancel(victim, target);
  await new Promise((resolve) => setTimeout(resolve, 50));
  say(JSON.stringify((await victim.query('SELECT 3 AS alive')).rows));
  await watcher.end();
  await victim.end();
}

async function sendCancel(client: pg.Client, target: Target): Promise<void> {
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
  const canceller = new pg.Connection();
  const done = once(canceller, 'end');
  (canceller as unknown as { connect(port: number, host: string): void }).connect(target.port, target.host);
  await once(canceller, 'connect');
  (canceller as unknown as { cancel(pid: number, key: number): void }).cancel(processID, secretKey);
  await done;
}
