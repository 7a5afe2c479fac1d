import { serialize } from 'pg-protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { say, type Transcript, transcript } from './transcript';

const { query, parse, bind, execute, describe: describeMessage, sync } = serialize;
const ASK = ['P ASK|rows', 'B ASK|ASK', 'C S ASK', 'E ASK', 'C P ASK'];
const BLOCK = ['P ASK|SHOW transaction_isolation', 'B ASK|ASK', 'C S ASK', 'E ASK', 'C P ASK'];
const inBlock = () => say.answer('read committed');
const POISON = 'D S POISON';
const TOO_MANY = 'E 42501 statement rolled back by rule "limit-rule" (stm)';
const failsAsPostgresDoes = () => say.error('26000', 'prepared statement "gatehouse refused x" does not exist');
const step = (sql: string) => [`P |${sql}`, 'B |', 'D P', 'E'];

describe.each([{ split: false }, { split: true }])('runs within a limit on the rows they change, split: $split', ({ split }) => {
  let t: Transcript;
  beforeEach(async () => {
    t = await transcript({ split });
  });
  afterEach(() => t.close());
  const outcomes = () =>
    t.journal.filter((entry) => entry.type === 'outcome').map(({ status, rows, sqlstate }) => [status, rows, sqlstate]);

  test('a simple query within it: the client sees a Query, and nothing before the count is known', async () => {
    t.recordRows = 10;
    t.client(query('delete limit 10 returning'));
    await t.upstreamSees(...ASK, ...step('delete limit 10 returning'), ...ASK, 'H');
    t.upstream(...say.answer('100'), say.parseComplete(), say.bindComplete(), say.columns([0, 0]), say.row('a'), say.complete('DELETE 1'));
    await t.upstreamSeesNothing();
    expect(t.received).toEqual([]);
    t.upstream(...say.answer('102'));
    await t.upstreamSees('S');
    t.upstream(say.ready());
    await t.clientGets('T', 'D a', 'C DELETE 1', 'Z I');
    expect(outcomes()).toEqual([['done', 1, undefined]]);
    expect(t.others).toMatchObject([{ type: 'result', rows: [['a']] }]);
  });

  test('above it, cascades included: the server is made to fail at this place, and no row has left', async () => {
    t.recordRows = 10;
    t.client(query('delete limit 10 returning'));
    await t.upstreamSees(...ASK, ...step('delete limit 10 returning'), ...ASK, 'H');
    t.upstream(
      ...say.answer('100'),
      say.parseComplete(),
      say.bindComplete(),
      say.columns([0, 0]),
      say.row('secret'),
      say.complete('DELETE 1'),
    );
    t.upstream(...say.answer('111'));
    await t.upstreamSees(POISON, 'S');
    t.upstream(failsAsPostgresDoes(), say.ready());
    await t.clientGets(TOO_MANY, 'Z I');
    expect(t.received.join()).not.toContain('secret');
    expect(t.received.join()).toContain("It changed 11 rows, triggers and cascades included; the rule's limit is 10. None of it stands.");
    expect(outcomes()).toEqual([['rolledBack', 11, '42501']]);
    // What did not leave is not recorded either.
    expect(t.others).toEqual([]);
  });

  test('what the command tag says counts where the server has no statistics', async () => {
    t.client(query('delete limit 10'));
    await t.upstreamSees(...ASK, ...step('delete limit 10'), ...ASK, 'H');
    t.upstream(...say.answer('0'), say.parseComplete(), say.bindComplete(), say.noData(), say.complete('DELETE 12'), ...say.answer('0'));
    await t.upstreamSees(POISON, 'S');
    t.upstream(failsAsPostgresDoes(), say.ready('E'));
    await t.clientGets(TOO_MANY, 'Z E');
  });

  test.each([
    ['the server does not count', null, '0'],
    ['the count fell: something truncated', '10', '3'],
  ])('rolled back where it is not known: %s', async (_, before, after) => {
    t.client(query('delete limit 10'));
    await t.upstreamSees(...ASK, ...step('delete limit 10'), ...ASK, 'H');
    t.upstream(...say.answer(before ?? ''), say.parseComplete(), say.bindComplete(), say.noData(), say.complete('DELETE 1'));
    t.upstream(...say.answer(after));
    await t.upstreamSees(POISON, 'S');
    t.upstream(failsAsPostgresDoes(), say.ready());
    await t.clientGets('E 42501 statement rolled back because the rows it changed could not be counted (stm)', 'Z I');
  });

  test('a text of several: what stood before it falls with it, what stands behind it never runs', async () => {
    t.client(query('insert 1; delete limit 10; insert 2'));
    await t.upstreamSees(...BLOCK, ...step('insert 1'), ...ASK, ...step('          delete limit 10'), ...ASK, 'H');
    t.upstream(...inBlock(), say.parseComplete(), say.bindComplete(), say.noData(), say.complete('INSERT 0 1'), ...say.answer('1'));
    t.upstream(say.parseComplete(), say.bindComplete(), say.noData(), say.complete('DELETE 11'), ...say.answer('12'));
    await t.upstreamSees(POISON, 'S');
    t.upstream(failsAsPostgresDoes(), say.ready());
    await t.clientGets('C INSERT 0 1', TOO_MANY, 'Z I');
    expect(outcomes()).toEqual([
      ['done', 1, undefined],
      ['rolledBack', 11, '42501'],
      ['skipped', 0, undefined],
      // The first of them, with its implicit transaction.
      ['rolledBack', undefined, undefined],
    ]);
  });

  test("the server's own error is shown as it is, whichever of the messages it answers", async () => {
    t.client(query('delete limit 10; insert 2'));
    await t.upstreamSees(...BLOCK, ...ASK, ...step('delete limit 10'), ...ASK, 'H');
    t.upstream(
      ...inBlock(),
      ...say.answer('1'),
      say.parseComplete(),
      say.bindComplete(),
      say.noData(),
      say.error('23503', 'still referenced'),
    );
    await t.upstreamSees('S');
    t.upstream(say.ready());
    await t.clientGets('E 23503 still referenced', 'Z I');
    expect(outcomes()).toEqual([
      ['failed', 0, '23503'],
      ['skipped', 0, undefined],
    ]);
  });

  test('an error of the count behind it takes the result back', async () => {
    t.client(query('delete limit 10'));
    await t.upstreamSees(...ASK, ...step('delete limit 10'), ...ASK, 'H');
    t.upstream(...say.answer('1'), say.parseComplete(), say.bindComplete(), say.noData(), say.complete('DELETE 3'));
    t.upstream(say.parseComplete(), say.error('57014', 'canceling statement due to user request'));
    await t.upstreamSees('S');
    t.upstream(say.ready());
    await t.clientGets('E 57014 canceling statement due to user request', 'Z I');
    expect(outcomes()).toEqual([['rolledBack', 3, undefined]]);
  });

  test('in a pipeline: what follows waits, and is ignored up to the Sync when it is rolled back', async () => {
    const unit = (text: string) => [parse({ text }), bind(), describeMessage({ type: 'P' }), execute()];
    t.client(...unit('insert 1'), ...unit('delete limit 10'), ...unit('insert 2'), sync(), ...unit('select 3'), sync());
    await t.upstreamSees(...step('insert 1'), 'P |delete limit 10', 'B |', 'D P', ...ASK, 'E', ...ASK, 'H');
    const prepared = [say.parseComplete(), say.bindComplete(), say.noData()];
    t.upstream(...prepared, say.complete('INSERT 0 1'), ...prepared, ...say.answer('1'), say.complete('DELETE 11'), ...say.answer('12'));
    await t.upstreamSees(POISON, 'S', ...step('select 3'), 'S');
    t.upstream(failsAsPostgresDoes(), say.ready(), ...prepared, say.complete('SELECT 0'), say.ready());
    await t.clientGets('1', '2', 'n', 'C INSERT 0 1', '1', '2', 'n', TOO_MANY, 'Z I', '1', '2', 'n', 'C SELECT 0', 'Z I');
  });

  test('a client that leaves while it is counted leaves nothing behind, and the record says so', async () => {
    t.client(query('delete limit 10'));
    await t.upstreamSees(...ASK, ...step('delete limit 10'), ...ASK, 'H');
    t.upstream(...say.answer('0'), say.parseComplete(), say.bindComplete(), say.noData(), say.complete('DELETE 1'));
    await expect.poll(() => t.session.toClient.holding).toBe(true);
    await expect.poll(() => t.session.protocol.current).toBeNull();
    t.session.close('the client is gone');
    await t.upstreamSees('X');
    expect(outcomes()).toEqual([['rolledBack', 1, undefined]]);
  });

  test('a portal executed in slices is one run', async () => {
    t.client(parse({ text: 'select limit 10' }), bind(), execute({ rows: 1 }), execute({ rows: 1 }), sync());
    await t.upstreamSees('P |select limit 10', 'B |', ...ASK, 'E', ...ASK, 'H');
    t.upstream(say.parseComplete(), say.bindComplete(), ...say.answer('0'), say.row('a'), say.suspended(), ...say.answer('6'));
    await t.upstreamSees(...ASK, 'E', ...ASK, 'H');
    await t.clientGets('1', '2', 'D a', 's');
    t.upstream(...say.answer('6'), say.row('b'), say.suspended(), ...say.answer('12'));
    await t.upstreamSees(POISON, 'S');
    t.upstream(failsAsPostgresDoes(), say.ready());
    await t.clientGets(TOO_MANY, 'Z I');
  });

  describe('a rule that asks for approval above it', () => {
    const sql = 'delete limit 10 or ask';
    const tried = async () => {
      t.client(query(sql));
      await t.upstreamSees(...ASK, ...step(sql), ...ASK, 'H');
      t.upstream(...say.answer('0'), say.parseComplete(), say.bindComplete(), say.noData(), say.complete('DELETE 12'), ...say.answer('12'));
    };

    test('alone and outside a transaction: it is taken back unseen, held, and runs again as it came', async () => {
      await tried();
      await t.upstreamSees(POISON, 'S');
      t.upstream(failsAsPostgresDoes(), say.ready());
      await t.clientGets('N 00000 statement held for approval (req_1)');
      expect(t.held).toMatchObject([{ sql, withdrawn: false }]);
      await t.upstreamSeesNothing();
      t.decide({ kind: 'approved' });
      await t.upstreamSees(`Q ${sql}`);
      t.upstream(say.complete('DELETE 12'), say.ready());
      await t.clientGets('C DELETE 12', 'Z I');
      expect(t.journal.map((entry) => `${entry.type} ${entry.status}`)).toEqual([
        'statement running',
        'outcome rolledBack',
        'statement held',
        'outcome running',
        'outcome done',
      ]);
    });

    test('rejected: the error alone, and nothing stands', async () => {
      await tried();
      await t.upstreamSees(POISON, 'S');
      t.upstream(failsAsPostgresDoes(), say.ready());
      await t.clientGets('N 00000 statement held for approval (req_1)');
      t.decide({ kind: 'rejected', reviewer: 'ada', reason: 'no' });
      await t.clientGets('E 42501 statement rejected by reviewer (req_1)', 'Z I');
      await t.upstreamSeesNothing();
    });

    test('in a transaction it cannot be run again: it is rolled back, and the words say what to do', async () => {
      t.client(query('begin'));
      await t.upstreamSees('Q begin');
      t.upstream(say.complete('BEGIN'), say.ready('T'));
      await t.clientGets('C BEGIN', 'Z T');
      await tried();
      await t.upstreamSees(POISON, 'S');
      t.upstream(failsAsPostgresDoes(), say.ready('E'));
      await t.clientGets(TOO_MANY, 'Z E');
      expect(t.received.at(-2)).toContain('Send the statement alone');
      expect(t.held).toEqual([]);
    });
  });

  test('notices do not wait for the count, and are not taken back', async () => {
    t.client(query('delete limit 1'));
    await t.upstreamSees(...ASK, ...step('delete limit 1'), ...ASK, 'H');
    const notice = say.error('00000', 'trigger says');
    notice[0] = 0x4e;
    t.upstream(...say.answer('0'), say.parseComplete(), say.bindComplete(), say.noData(), notice, say.complete('DELETE 2'));
    await t.clientGets('N 00000 trigger says');
    t.upstream(...say.answer('2'));
    await t.upstreamSees(POISON, 'S');
    t.upstream(failsAsPostgresDoes(), say.ready());
    await t.clientGets(TOO_MANY, 'Z I');
  });
});

describe('a counted run whose result is cut', () => {
  let t: Transcript;
  beforeEach(async () => {
    t = await transcript();
    t.resultLimits = { maxRows: 1 };
  });
  afterEach(() => t.close());

  test('within its limit: the error behind the rows that may leave, and it is rolled back', async () => {
    t.client(query('delete limit 10 returning'));
    await t.upstreamSees(...ASK, ...step('delete limit 10 returning'), ...ASK, 'H');
    t.upstream(...say.answer('0'), say.parseComplete(), say.bindComplete(), say.columns([0, 0]), say.row('a'), say.row('b'));
    t.upstream(say.complete('DELETE 2'), ...say.answer('2'));
    await t.upstreamSees(POISON, 'S');
    t.upstream(failsAsPostgresDoes(), say.ready());
    await t.clientGets('T', 'D a', 'E 54000 result exceeds a limit of the connection and was cut (stm)', 'Z I');
    expect(t.cancels).toBe(0);
  });

  test('and fails: the client hears what of', async () => {
    t.client(query('delete limit 10 returning'));
    await t.upstreamSees(...ASK, ...step('delete limit 10 returning'), ...ASK, 'H');
    t.upstream(...say.answer('0'), say.parseComplete(), say.bindComplete(), say.columns([0, 0]), say.row('a'), say.row('b'));
    t.upstream(say.error('57014', 'canceling statement due to statement timeout'));
    await t.upstreamSees('S');
    t.upstream(say.ready());
    await t.clientGets('E 57014 canceling statement due to statement timeout', 'Z I');
  });
});
