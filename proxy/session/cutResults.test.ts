import { serialize } from 'pg-protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { say, type Transcript, transcript } from './transcript';

const { query, parse, bind, execute, describe: describeMessage, sync } = serialize;
const CUT = 'E 54000 result exceeds a limit of the connection and was cut (stm)';
const BLOCK = ['P ASK|SHOW transaction_isolation', 'B ASK|ASK', 'C S ASK', 'E ASK', 'C P ASK'];
const inBlock = () => say.answer('read committed');
const POISON = 'D S POISON';
const failsAsPostgresDoes = () => say.error('26000', 'prepared statement "gatehouse refused x" does not exist');
const canceled = () => say.error('57014', 'canceling statement due to user request');
const step = (sql: string) => [`P |${sql}`, 'B |', 'D P', 'E'];
const unit = (text: string) => [parse({ text }), bind(), describeMessage({ type: 'P' }), execute()];

describe.each([{ split: false }, { split: true }])('results that are cut, split: $split', ({ split }) => {
  let t: Transcript;
  beforeEach(async () => {
    t = await transcript({ split });
    t.resultLimits = { maxRows: 2 };
  });
  afterEach(() => t.close());
  const outcomes = () =>
    t.journal.filter((entry) => entry.type === 'outcome').map(({ status, rows, sqlstate }) => [status, rows, sqlstate]);
  const rows = (n: number) => Array.from({ length: n }, (_, i) => say.row(String(i)));

  test('within the limits nothing changes', async () => {
    t.client(query('select 1'));
    await t.upstreamSees('Q select 1');
    t.upstream(say.columns([0, 0]), ...rows(2), say.complete('SELECT 2'), say.ready());
    await t.clientGets('T', 'D 0', 'D 1', 'C SELECT 2', 'Z I');
    expect(outcomes()).toEqual([['done', 2, undefined]]);
    expect(t.cancels).toBe(0);
  });

  test.each([
    ['rows', { maxRows: 2 }],
    ['bytes', { maxBytes: 14 }],
  ])('a simple query above its %s: the error in their place, the server cancelled, the session goes on', async (_, limits) => {
    t.resultLimits = limits;
    t.client(query('select 1'));
    await t.upstreamSees('Q select 1');
    t.upstream(say.columns([0, 0]), ...rows(5));
    await t.clientGets('T', 'D 0', 'D 1', CUT);
    expect(t.cancels).toBe(1);
    t.upstream(...rows(3), canceled(), say.ready());
    await t.clientGets('Z I');
    expect(outcomes()).toEqual([['failed', 2, '54000']]);
    t.client(query('select 2'));
    await t.upstreamSees('Q select 2');
  });

  test('masked rows are cut alike', async () => {
    t.client(query('select ssn'));
    await t.upstreamSees('Q select ssn');
    t.upstream(say.columns([1, 1]), ...rows(4), say.complete('SELECT 4'), say.ready());
    await t.clientGets('T', 'D ***', 'D ***', CUT, 'Z I');
    expect(outcomes()).toEqual([['done', 2, '54000']]);
  });

  test('a server that was faster than the cancel: in a pipeline it is made to fail, so that both ignore the rest', async () => {
    t.client(...unit('select 1'), ...unit('insert 2'), sync(), query('select 3'));
    await t.upstreamSees(...step('select 1'), 'H');
    t.upstream(say.parseComplete(), say.bindComplete(), say.columns([0, 0]), ...rows(3), say.complete('SELECT 3'));
    await t.clientGets('1', '2', 'T', 'D 0', 'D 1', CUT);
    await t.upstreamSees(POISON, 'S');
    t.upstream(failsAsPostgresDoes(), say.ready());
    await t.upstreamSees('Q select 3');
    await t.clientGets('Z I');
  });

  test('one that was not: it fails by the cancel, and what follows is ignored', async () => {
    t.client(...unit('select 1'), ...unit('insert 2'), sync());
    await t.upstreamSees(...step('select 1'), 'H');
    t.upstream(say.parseComplete(), say.bindComplete(), say.columns([0, 0]), ...rows(3), canceled());
    await t.upstreamSees('S');
    t.upstream(say.ready('E'));
    await t.clientGets('1', '2', 'T', 'D 0', 'D 1', CUT, 'Z E');
  });

  test('what changes and returns rows is rolled back with its result: the Sync waits', async () => {
    t.client(...unit('insert 1 returning'), sync());
    await t.upstreamSees(...step('insert 1 returning'), 'H');
    t.upstream(say.parseComplete(), say.bindComplete(), say.columns([0, 0]), ...rows(3), say.complete('INSERT 0 3'));
    await t.clientGets('1', '2', 'T', 'D 0', 'D 1', CUT);
    await t.upstreamSees(POISON, 'S');
    t.upstream(failsAsPostgresDoes(), say.ready());
    await t.clientGets('Z I');
  });

  test('a text of several goes statement by statement, and ends where it is cut', async () => {
    t.client(query('select 1; insert 2'));
    await t.upstreamSees(...BLOCK, ...step('select 1'), 'H');
    t.upstream(...inBlock(), say.parseComplete(), say.bindComplete(), say.columns([0, 0]), ...rows(3), say.complete('SELECT 3'));
    await t.upstreamSees(POISON, 'S');
    t.upstream(failsAsPostgresDoes(), say.ready());
    await t.clientGets('T', 'D 0', 'D 1', CUT, 'Z I');
    expect(outcomes()).toEqual([
      ['done', 2, '54000'],
      ['skipped', 0, undefined],
    ]);
  });

  test('no cancel where another batch is on its way already: it would be hit', async () => {
    t.client(...unit('select 1'), sync(), ...unit('select 2'), sync());
    await t.upstreamSees(...step('select 1'), 'S', ...step('select 2'), 'S');
    t.upstream(say.parseComplete(), say.bindComplete(), say.columns([0, 0]), ...rows(3), say.complete('SELECT 3'), say.ready());
    await t.clientGets('1', '2', 'T', 'D 0', 'D 1', CUT, 'Z I');
    expect(t.cancels).toBe(0);
    t.upstream(say.parseComplete(), say.bindComplete(), say.columns([0, 0]), ...rows(1), say.complete('SELECT 1'), say.ready());
    await t.clientGets('1', '2', 'T', 'D 0', 'C SELECT 1', 'Z I');
  });
});
