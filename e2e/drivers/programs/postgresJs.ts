import { once } from 'node:events';
import postgres from 'postgres';
import { eventually } from '../../clients';
import { Printer } from '../printer';
import type { Target } from '../target';

/** What a program with postgres.js does, with and without its prepared statements; nothing in its lines may differ between direct and through. */
export async function runPostgresJs(target: Target): Promise<string[]> {
  const printer = new Printer();
  for (const prepare of [true, false]) await runWith(target, prepare, printer);
  return printer.end();
}

async function runWith(target: Target, prepare: boolean, printer: Printer): Promise<void> {
  const notices: postgres.Notice[] = [];
  const connect = (max = 1) =>
    postgres({
      host: target.host,
      port: target.port,
      database: target.database,
      username: target.user,
      password: target.password,
      ssl: target.tls ? { rejectUnauthorized: false } : false,
      max,
      prepare,
      connect_timeout: 10,
      fetch_types: true,
      onnotice: (notice) => notices.push(notice),
    });
  const sql = connect();
  const say = printer.say.bind(printer);
  const label = prepare ? 'prepare' : 'no prepare';
  const step = (name: string, work: () => Promise<void>) => printer.step(`${label}: ${name}`, work);
  const run = async (work: PromiseLike<unknown>) => {
    try {
      sayResult(say, (await work) as postgres.RowList<postgres.Row[]>);
    } catch (error) {
      say(...errorFields(error));
    }
  };

  if (prepare) await printer.step('transport', async () => say(`tls=${target.tls ? 'yes' : 'no'}`));
  await step('parameter status', async () => {
    await sql`SELECT 1`;
    const parameters = sql.parameters as unknown as Record<string, string>;
    for (const name of Object.keys(parameters).sort()) say(name, parameters[name]);
  });
  await step('types', async () => {
    const rows = await sql`SELECT * FROM samples ORDER BY id`;
    for (const { name, type } of rows.columns) {
      if (name !== 'id') for (const [i, row] of rows.entries()) say(`${name}[${i + 1}]`, type, shown(row[name]));
    }
  });
  await step('parameters', async () => {
    const columns = await sql<{ name: string; kind: string }[]>`
      SELECT attname AS name, format_type(atttypid, atttypmod) AS kind FROM pg_attribute WHERE attrelid = 'samples'::regclass AND attnum > 1 ORDER BY attnum`;
    for (const { name, kind } of columns) {
      const texts = (await sql.unsafe(`SELECT ${name}::text AS text FROM samples ORDER BY id`)).map((row) => row.text as string | null);
      const marks = [1, 2, 3, 4].map((n) => `($${n}::text)::${kind}::text AS v${n}`).join(', ');
      const [back] = await sql.unsafe(`SELECT ${marks}`, texts);
      for (const [i, text] of texts.entries()) say(`${name}[${i + 1}]`, back?.[`v${i + 1}`] === text ? 'as sent' : 'changed');
    }
    await run(
      sql`SELECT ${1}::int AS a, ${'x"y'} AS b, ${null}::text AS c, ${new Date(0)}::timestamptz AS d, ${sql.json({ a: [1] })} AS e, ${sql.array([1, 2])}::int[] AS f`,
    );
    await run(sql`SELECT * FROM things WHERE id IN ${sql([1, 2])} ORDER BY id`);
  });
  await step('prepared', async () => {
    for (const id of [1, 2, 1]) await run(sql`SELECT id, name FROM things WHERE id = ${id} OR name = ${'nobody'}`);
    await run(sql`SELECT count(*)::int FROM pg_prepared_statements`);
    await run(sql`SELECT name FROM things WHERE id = ${3}`.describe().then(({ string, types }) => [[string, types]] as never));
    await run(sql`SELECT id, name FROM things WHERE id < ${4} ORDER BY id`.values());
    await run(sql`SELECT id, name FROM things WHERE id < ${4} ORDER BY id`.raw());
  });
  await step('pipeline', async () => {
    const answers = await Promise.allSettled([1, 2, 0, 4].map((n) => sql`SELECT 12 / ${n}::int AS n`));
    for (const answer of answers) answer.status === 'fulfilled' ? sayResult(say, answer.value) : say(...errorFields(answer.reason));
    const many = await Promise.all(Array.from({ length: 200 }, (_, i) => sql`SELECT ${i}::int + g AS n FROM generate_series(1, 3) AS g`));
    say(many.flat().reduce((sum, row) => sum + (row.n as number), 0));
  });
  await step('transactions', async () => {
    await sql`CREATE TEMP TABLE kept (id int PRIMARY KEY)`;
    const results = await sql.begin((tx) => [
      tx`INSERT INTO kept VALUES (1) RETURNING id`,
      tx`SELECT ${'x'}::text AS b`,
      tx`SELECT count(*)::int AS c FROM kept`,
    ]);
    for (const result of results) sayResult(say, result);
    await run(
      sql.begin(async (tx) => {
        await tx`INSERT INTO kept VALUES (2)`;
        await tx.savepoint(async (inner) => inner`INSERT INTO kept VALUES (1)`).catch((error) => say(...errorFields(error)));
        return tx`INSERT INTO kept VALUES (3) RETURNING id`;
      }),
    );
    await run(
      sql.begin('isolation level serializable read only', async (tx) => {
        await run(tx`SELECT current_setting('transaction_isolation') AS level`);
        return tx`INSERT INTO things VALUES (1000, 'x')`;
      }),
    );
    await run(sql`SELECT * FROM kept ORDER BY id`);
    await sql`DROP TABLE kept`;
  });
  await step('cursors', async () => {
    for (const size of [1, 10, 25, 100]) {
      const sizes: number[] = [];
      await sql`SELECT generate_series(1, 25) AS n`.cursor(size, (rows) => {
        sizes.push(rows.length);
      });
      say(size, sizes.join());
    }
    let seen = 0;
    for await (const rows of sql`SELECT id FROM things ORDER BY id`.cursor(7)) {
      seen += rows.length;
      if (seen > 20) break;
    }
    say(seen);
    await sql`SELECT id FROM things ORDER BY id`.forEach((row) => {
      seen += row.id;
    });
    say(seen);
  });
  await step('copy', async () => {
    await sql`CREATE TEMP TABLE copied (LIKE samples)`;
    let text = '';
    for await (const chunk of await sql`COPY (SELECT * FROM samples ORDER BY id) TO STDOUT`.readable()) text += String(chunk);
    say(text);
    const input = await sql`COPY copied FROM STDIN`.writable();
    for (let at = 0; at < text.length; at += 100) input.write(text.slice(at, at + 100));
    input.end();
    await once(input, 'finish');
    await run(sql`SELECT count(*)::int FROM samples AS s JOIN copied AS c USING (id) WHERE s::text = c::text`);
    await sql`DROP TABLE copied`;
  });
  await step('cancel', async () => {
    await sql`SELECT 1`;
    for (let turn = 0; turn < 2; turn++) {
      const slow = sql`SELECT pg_sleep(22)`.execute();
      await new Promise((resolve) => setTimeout(resolve, 200));
      slow.cancel();
      await run(slow);
    }
    await run(sql`SELECT 1 AS alive`);
  });
  await step('notices', async () => {
    notices.length = 0;
    await run(sql`SELECT complain(${'all'})`);
    for (const notice of notices) say(...errorFields(notice));
  });
  await step('notify', async () => {
    const heard: string[] = [];
    const listening = await sql.listen('postgresjs_channel', (payload) => heard.push(payload));
    await sql.notify('postgresjs_channel', 'from itself ☃');
    await eventually('a notification', async () => heard.length === 1);
    say(heard.join());
    await listening.unlisten();
  });
  await step('large object by SQL', async () => {
    await run(sql`SELECT lo_from_bytea(88893, ${Buffer.from([0, 1, 2])}) AS id`);
    await run(sql`SELECT lo_get(88893) AS bytes`);
    await run(sql`SELECT lo_unlink(88893) AS gone`);
  });
  await step('large object by driver', async () => {
    // On a connection of its own: where one of its statements fails, the driver never ends its transaction.
    const own = connect();
    try {
      const object = await own.largeObject();
      await object.write(Buffer.from('hello'));
      await object.seek(1);
      say(JSON.stringify(await object.read(3)), JSON.stringify(await object.size()));
      await object.close();
    } finally {
      await own.end({ timeout: 1 });
    }
  });
  await step('errors', async () => {
    for (const text of [
      'SELEC 1',
      'SELECT nothing FROM things',
      'SELECT 1/0',
      "INSERT INTO things VALUES (1, 'again')",
      "SELECT complain('error')",
      "SELECT 'sad'::mood",
    ]) {
      await run(sql.unsafe(text));
      await run(sql.unsafe(text, [], { prepare }));
      await run(sql`SELECT 1 AS alive`);
    }
    await run(sql`SELECT ${'x'}::int`);
  });
  await step('empty query', async () => {
    for (const text of ['', ';', '-- nothing', 'SELECT 1 AS a; ; SELECT 2 AS b']) await run(sql.unsafe(text).simple());
  });
  await step('several connections', async () => {
    const pool = connect(4);
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => pool`SELECT ${i}::int AS n, pg_sleep(0.002) IS NULL AS slept`));
    say(answers.map(([row]) => row?.n).join());
    await pool.end({ timeout: 2 });
  });
  await step('65533 parameters', async () => {
    const values = Array.from({ length: 65_533 }, (_, i) => i);
    const marks = values.map((i) => `$${i + 1}`);
    marks[0] = '$1::int';
    await run(sql.unsafe(`SELECT cardinality(ARRAY[${marks.join(',')}]) AS n`, values));
  });
  await sql.end({ timeout: 2 });
}

function shown(value: unknown): string {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'no date' : value.toISOString();
  return value instanceof Buffer ? value.toString('hex') : typeof value === 'number' ? String(value) : JSON.stringify(value);
}

function sayResult(say: Printer['say'], result: postgres.RowList<postgres.Row[]>): void {
  if (!Array.isArray(result)) return say(shown(result));
  say(result.command ?? '', result.count ?? '', JSON.stringify(result.columns?.map(({ name, type }) => [name, type])));
  for (const row of result) say(shown(row));
}

function errorFields(error: unknown): unknown[] {
  const {
    severity,
    code,
    message,
    detail,
    hint,
    position,
    where,
    schema_name,
    table_name,
    column_name,
    type_name,
    constraint_name,
    file,
    line,
    routine,
  } = error as Record<string, string>;
  const fields = {
    severity,
    code,
    message,
    detail,
    hint,
    position,
    where,
    schema_name,
    table_name,
    column_name,
    type_name,
    constraint_name,
  };
  return ['error', JSON.stringify(fields), `at ${file}:${line} ${routine}`];
}
