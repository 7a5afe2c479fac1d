import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { copyIn, PIECE_BYTES } from './copyIn';
import { CopyRows } from './copyRows';

let client: pg.Client;
let stop: () => Promise<void>;

beforeAll(async () => {
  const database = await withPostgres();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  stop = async () => {
    await client.end();
    await database.drop();
  };
});
afterAll(() => stop());
beforeEach(async () => {
  await client.query('drop table if exists copied; create table copied (n int4 primary key, said text)');
});

const COPY = 'copy copied from stdin with (format binary)';
const SAID = 'x'.repeat(1_000);
const counted = async () => (await client.query('select count(*)::int as n, max(n) as last from copied')).rows[0];

/** So many rows, and what a test wants to happen before one of them. */
function* rowsTo(count: number, before: (n: number) => void = () => undefined): Generator<Buffer, void> {
  const rows = new CopyRows(2);
  for (let n = 0; n < count; n++) {
    before(n);
    rows.row();
    rows.int4(n);
    rows.text(SAID);
    if (rows.length >= PIECE_BYTES) yield rows.take();
  }
  yield rows.end();
}

test('every row of many pieces is there, and the loop turns between them', async () => {
  let turns = 0;
  let over = false;
  const turn = () => {
    turns++;
    if (!over) setImmediate(turn);
  };
  turn();
  let turnsWhileMaking = 0;
  const pieces = (30_000 * SAID.length) / PIECE_BYTES;
  await copyIn(
    client,
    COPY,
    rowsTo(30_000, () => (turnsWhileMaking = turns)),
  );
  over = true;
  expect(await counted()).toEqual({ n: 30_000, last: 29_999 });
  expect(turnsWhileMaking).toBeGreaterThan(pieces / 2);
});

test('one row larger than a piece', async () => {
  const rows = new CopyRows(2);
  rows.row();
  rows.int4(1);
  rows.text('y'.repeat(3 * PIECE_BYTES));
  await copyIn(client, COPY, [rows.take(), rows.end()].values());
  expect((await client.query('select length(said) as n from copied')).rows).toEqual([{ n: 3 * PIECE_BYTES }]);
});

test('a row that cannot be made ends it with its own error; nothing is written, and the connection goes on', async () => {
  const failing = rowsTo(5_000, (n) => {
    if (n === 4_000) throw new Error('no such row');
  });
  await expect(copyIn(client, COPY, failing)).rejects.toThrow('no such row');
  expect(await counted()).toEqual({ n: 0, last: null });
});

test('what the server refuses is thrown, no more is made for it, and the connection goes on', async () => {
  await client.query('insert into copied values (200)');
  let made = 0;
  await expect(
    copyIn(
      client,
      COPY,
      rowsTo(200_000, (n) => (made = n)),
    ),
  ).rejects.toMatchObject({ code: '23505' });
  expect(made).toBeLessThan(199_999);
  expect(await counted()).toEqual({ n: 1, last: 200 });
  await copyIn(client, COPY, rowsTo(100));
  expect(await counted()).toEqual({ n: 101, last: 200 });
});

test('a statement that is no COPY of ours fails, and the connection goes on', async () => {
  await expect(copyIn(client, 'copy missing from stdin with (format binary)', rowsTo(10))).rejects.toMatchObject({ code: '42P01' });
  expect(await counted()).toEqual({ n: 0, last: null });
});
