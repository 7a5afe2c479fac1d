import { serialize } from 'pg-protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { say, type Transcript, transcript } from './transcript';

const { query, parse, bind, execute, sync } = serialize;
const asks = (sql: string) => [`P ASK|EXPLAIN (FORMAT JSON) ${sql}`, 'B ASK|ASK', 'C S ASK', 'E ASK', 'C P ASK', 'H'];
const step = (sql: string) => [`P |${sql}`, 'B |', 'D P', 'E'];
const cost = (total: number) => say.answer(JSON.stringify([{ Plan: { 'Total Cost': total } }]));
const BLOCK = ['P ASK|SHOW transaction_isolation', 'B ASK|ASK', 'C S ASK', 'E ASK', 'C P ASK'];
const inBlock = () => say.answer('read committed');
const POISON = 'D S POISON';
const DENIED = 'E 42501 statement denied because of its estimated cost (stm)';
const failsAsPostgresDoes = () => say.error('26000', 'prepared statement "gatehouse refused x" does not exist');

describe.each([{ split: false }, { split: true }])('the estimated cost, split: $split', ({ split }) => {
  let t: Transcript;
  beforeEach(async () => {
    t = await transcript({ split });
    t.resultLimits = { maxCost: 100 };
  });
  afterEach(() => t.close());

  test('within the limit: a Query is answered as a Query', async () => {
    t.client(query('select 1'));
    await t.upstreamSees(...asks('select 1'));
    t.upstream(...cost(99.5));
    await t.upstreamSees(...step('select 1'), 'S');
    t.upstream(say.parseComplete(), say.bindComplete(), say.columns([0, 0]), say.row('1'), say.complete('SELECT 1'), say.ready());
    await t.clientGets('T', 'D 1', 'C SELECT 1', 'Z I');
  });

  test('above it: denied, and nothing was sent but the question', async () => {
    t.client(query('select 1; select 2'));
    await t.upstreamSees(...BLOCK, ...asks('select 1'));
    t.upstream(...inBlock(), ...cost(100.5));
    await t.upstreamSees(POISON, 'S');
    t.upstream(failsAsPostgresDoes(), say.ready());
    await t.clientGets(DENIED, 'Z I');
    expect(t.received.join()).toContain("EXPLAIN estimates 100.5; the connection's limit is 100. Nothing was executed.");
    expect(t.journal.filter(({ type }) => type === 'outcome').map(({ status }) => status)).toEqual(['denied', 'skipped']);
  });

  test('where EXPLAIN fails its words are the statement’s, and its place is in the client’s text', async () => {
    t.client(query('select nope'));
    await t.upstreamSees(...asks('select nope'));
    const error = say.error('42703', 'column "nope" does not exist');
    const positioned = Buffer.concat([error.subarray(0, -1), Buffer.from('P30\0\0')]);
    positioned.writeUInt32BE(positioned.length - 1, 1);
    t.upstream(positioned);
    await t.upstreamSees('S');
    t.upstream(say.ready());
    await t.clientGets('E 42703 column "nope" does not exist', 'Z I');
    expect(t.received[0]).toContain('P8\0');
  });

  test('an answer without a cost is no leave to run', async () => {
    t.client(query('select 1'));
    await t.upstreamSees(...asks('select 1'));
    t.upstream(...say.answer('Result'));
    await t.upstreamSees(POISON, 'S');
    t.upstream(failsAsPostgresDoes(), say.ready());
    await t.clientGets('E 42501 statement denied because its cost cannot be estimated (stm)', 'Z I');
  });

  test('bound and held: the locks of planning are let go before a person thinks', async () => {
    t.client(parse({ text: 'select hold' }), bind(), execute(), sync());
    await t.upstreamSees('P |select hold', ...asks('select hold'));
    t.upstream(say.parseComplete(), ...cost(1));
    await t.upstreamSees('S', 'H');
    t.upstream(say.ready());
    await t.clientGets('1', 'N 00000 statement held for approval (req_1)');
    t.decide({ kind: 'approved' });
    await t.upstreamSees('B |', 'E', 'S');
    t.upstream(say.bindComplete(), say.complete('SELECT 0'), say.ready());
    await t.clientGets('2', 'C SELECT 0', 'Z I');
  });

  test('bound and too costly: what follows is ignored up to the Sync', async () => {
    t.client(parse({ text: 'select 1' }), bind(), execute(), sync());
    await t.upstreamSees('P |select 1', ...asks('select 1'));
    t.upstream(say.parseComplete(), ...cost(1_000));
    await t.upstreamSees(POISON, 'S');
    t.upstream(failsAsPostgresDoes(), say.ready());
    await t.clientGets('1', DENIED, 'Z I');
    expect(t.journal).toMatchObject([{ type: 'statement', status: 'denied', sqlstate: '42501', sql: 'select 1' }]);
  });
});
