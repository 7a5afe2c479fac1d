import { serialize } from 'pg-protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { say, type Transcript, transcript } from './transcript';

const { query, parse, bind, execute, sync } = serialize;
const HELD = 'N 00000 statement held for approval (req_1)';

let t: Transcript;
beforeEach(async () => {
  t = await transcript();
  t.journalIsSlow = true;
});
afterEach(() => t.close());

const noRoom = () => Object.assign(new Error('input/output error'), { code: 'EIO' });

describe('what is recorded before it happens', () => {
  test('nothing of a statement leaves before its entry is written, and then all of it in order', async () => {
    t.client(parse({ text: 'select 1' }), bind(), execute(), sync());
    // Parsing and binding are no runs; what stands behind the run waits with it.
    await t.upstreamSees('P |select 1', 'B |');
    await t.upstreamSeesNothing();
    t.written();
    await t.upstreamSees('E', 'S');
  });

  test('statements that come while one waits wait for their own entries', async () => {
    t.client(query('select 1'));
    await t.upstreamSeesNothing();
    t.client(query('select 2'));
    await t.upstreamSeesNothing();
    t.written();
    await t.upstreamSees('Q select 1', 'Q select 2');
  });

  test('an answer that comes meanwhile does not wait', async () => {
    t.client(query('select 1'));
    await t.upstreamSeesNothing();
    t.written();
    await t.upstreamSees('Q select 1');
    t.client(query('select 2'));
    t.upstream(say.complete('SELECT 0'), say.ready());
    await t.clientGets('C SELECT 0', 'Z I');
    await t.upstreamSeesNothing();
    t.written();
    await t.upstreamSees('Q select 2');
  });

  test('where it cannot be written nothing of that turn is forwarded, and the session ends with words that say so', async () => {
    t.client(query('insert 1'), query('insert 2'));
    await t.upstreamSeesNothing();
    t.written(noRoom());
    await t.clientGets('E 58000 statement not executed because it could not be recorded');
    expect(t.received.at(-1)).toContain('FATAL');
    expect(t.received.at(-1)).toContain('The journal refused: EIO.');
    await t.upstreamSees('X');
    expect(t.session.closed).toBe(true);
  });

  test('a held statement goes on its way only when that is written', async () => {
    t.client(query('hold me'));
    await t.clientGets(HELD);
    t.written();
    t.decide({ kind: 'approved' });
    await t.upstreamSeesNothing();
    expect(t.journal.at(-1)).toMatchObject({ type: 'outcome', status: 'running' });
    t.written();
    await t.upstreamSees('Q hold me');
  });

  test('a held statement whose release cannot be recorded does not run', async () => {
    t.client(query('hold me'));
    await t.clientGets(HELD);
    t.written();
    t.journalFails = true;
    t.decide({ kind: 'approved' });
    await t.clientGets('E 58000 statement not executed because it could not be recorded', 'Z I');
    await t.upstreamSeesNothing();
  });

  test('what a client sent before it left goes on when it is written, as it would have without a journal', async () => {
    t.client(query('insert 1'));
    await t.upstreamSeesNothing();
    t.session.close('client closed the connection');
    await t.upstreamSeesNothing();
    t.written();
    await t.upstreamSees('Q insert 1', 'X');
  });

  test('the shape of the text is recorded beside it', async () => {
    t.client(query("select 'secret' -- and more"));
    await t.upstreamSeesNothing();
    expect(t.journal[0]).toMatchObject({ sql: "select 'secret' -- and more", shape: 'select ?' });
  });
});

describe('what a run is of', () => {
  beforeEach(() => {
    t.journalIsSlow = false;
  });
  const intents = () => t.journal.filter((entry) => entry.type === 'statement');

  test('statements of a transaction block name it, and its end is recorded', async () => {
    t.client(query('begin'));
    await t.upstreamSees('Q begin');
    t.upstream(say.complete('BEGIN'), say.ready('T'));
    await t.clientGets('C BEGIN', 'Z T');
    t.client(query('insert 1'), query('deny me'));
    await t.upstreamSees('Q insert 1', 'D S POISON', 'S');
    t.upstream(
      say.complete('INSERT 0 1'),
      say.ready('T'),
      say.error('26000', `prepared statement "${t.poison}" does not exist`),
      say.ready('E'),
    );
    await t.clientGets('C INSERT 0 1', 'Z T', 'E 42501 statement denied by rule "deny-rule" (stm)', 'Z E');
    t.client(query('commit'));
    await t.upstreamSees('Q commit');
    t.upstream(say.complete('ROLLBACK'), say.ready());
    await t.clientGets('C ROLLBACK', 'Z I');
    t.client(query('select 1'));
    await t.upstreamSees('Q select 1');
    const id = intents()[0]?.transactionId ?? '';
    expect(id).toMatch(/^txn_/);
    expect(intents().map(({ transactionId }) => transactionId)).toEqual([id, id, id, id, null]);
    expect(t.others).toMatchObject([{ type: 'transaction', id, sessionId: 'ses_1', outcome: 'rolledBack', statements: 3 }]);
  });

  test('one left open when the client goes is rolled back', async () => {
    t.client(query('begin'));
    await t.upstreamSees('Q begin');
    t.upstream(say.complete('BEGIN'), say.ready('T'));
    await t.clientGets('C BEGIN', 'Z T');
    t.session.close('client closed the connection');
    expect(t.others).toMatchObject([{ type: 'transaction', outcome: 'rolledBack', statements: 1 }]);
  });

  test('EXECUTE and FETCH name the run that made what they run, and an EXECUTE its text', async () => {
    t.client(query('prepare p as select 1'));
    await t.upstreamSees('Q prepare p as select 1');
    t.upstream(say.complete('PREPARE'), say.ready());
    await t.clientGets('C PREPARE', 'Z I');
    t.client(query('execute p'));
    await t.upstreamSees('Q execute p');
    const [prepared, executed] = intents();
    expect(executed).toMatchObject({ runOf: prepared?.id, executes: 'prepare p as select 1' });
    expect(prepared).toMatchObject({ runOf: null, executes: null });
  });

  test('a portal that is executed again goes on with its first run', async () => {
    t.client(parse({ text: 'select 1' }), bind(), execute({ rows: 1 }), execute({ rows: 1 }), sync());
    await t.upstreamSees('P |select 1', 'B |', 'E', 'E', 'S');
    const [first, second] = intents();
    expect(second).toMatchObject({ runOf: first?.id });
    expect(second?.id).not.toBe(first?.id);
  });

  test('what the phases took', async () => {
    t.client(query('select 1 ssn'));
    await t.upstreamSees('Q select 1 ssn');
    t.upstream(say.columns([1, 1], [1, 2]), say.row('123-45-6789', 'x'), say.complete('SELECT 1'), say.ready());
    await t.clientGets('T', 'D ***,x', 'C SELECT 1', 'Z I');
    const outcome = t.journal.find((entry) => entry.type === 'outcome');
    expect(outcome).toMatchObject({ upstreamMs: expect.any(Number), maskingMs: expect.any(Number), atMs: expect.any(Number) });
  });
});

describe('recorded rows', () => {
  beforeEach(() => {
    t.journalIsSlow = false;
    t.recordRows = 2;
  });
  const results = () => t.others.filter((entry) => entry.type === 'result');

  test('are those that left: masked, as many as may be, and never the value behind a mask', async () => {
    t.client(query('select 1 ssn'));
    await t.upstreamSees('Q select 1 ssn');
    t.upstream(
      say.columns([1, 1], [1, 2]),
      say.row('123-45-6789', 'x'),
      say.row('987-65-4321', 'y'),
      say.row('555-55-5555', 'z'),
      say.complete('SELECT 3'),
      say.ready(),
    );
    await t.clientGets('T', 'D ***,x', 'D ***,y', 'D ***,z', 'C SELECT 3', 'Z I');
    expect(results()).toMatchObject([
      {
        columns: [
          { name: 'c0', typeOid: 25 },
          { name: 'c1', typeOid: 25 },
        ],
        truncated: true,
      },
    ]);
    const rows = results().flatMap((entry) => entry.rows);
    expect(rows).toEqual([
      ['***', 'x'],
      ['***', 'y'],
    ]);
    expect(JSON.stringify(t.others)).not.toMatch(/6789|4321|5555/);
    // Rows first, then the outcome.
    expect(t.journal.at(-1)).toMatchObject({ type: 'outcome', rows: 3 });
  });

  test('of a portal that the client did not describe have their columns too', async () => {
    t.client(parse({ text: 'select open' }), bind(), execute(), sync());
    await t.upstreamSees('P |select open', 'B |', 'D P', 'E', 'S');
    t.upstream(say.parseComplete(), say.bindComplete(), say.columns([1, 2]), say.row('x'), say.complete('SELECT 1'), say.ready());
    await t.clientGets('1', '2', 'D x', 'C SELECT 1', 'Z I');
    expect(results()).toMatchObject([{ columns: [{ name: 'c0', typeOid: 25 }], rows: [['x']] }]);
    expect(results()[0]).not.toHaveProperty('truncated');
  });

  test('are not taken down where the connection does not ask', async () => {
    t.recordRows = null;
    t.client(query('select open'));
    await t.upstreamSees('Q select open');
    t.upstream(say.columns([1, 2]), say.row('x'), say.complete('SELECT 1'), say.ready());
    await t.clientGets('T', 'D x', 'C SELECT 1', 'Z I');
    expect(results()).toEqual([]);
  });
});
