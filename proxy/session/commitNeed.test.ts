import { serialize } from 'pg-protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { say, type Transcript, transcript } from './transcript';

const { query, parse, bind, execute, sync } = serialize;
const asks = (what: string) => [`P ASK|${what}`, 'B ASK|ASK', 'C S ASK', 'E ASK', 'C P ASK'];
const COUNTERS = [...asks('tables'), 'S'];
const HELD = 'N 00000 statement held for approval (req_1)';
const counters = (deleted: number) => [
  ...say.answer(JSON.stringify([{ oid: '20001', schema: 'public', name: 't', inserted: '0', updated: '0', deleted: String(deleted) }])),
  say.ready('T'),
];
/** ROLLBACK has no row. */
const rolledBack = () => [say.parseComplete(), say.bindComplete(), say.closeComplete(), say.complete('ROLLBACK'), say.closeComplete()];
const fails = () => say.error('26000', 'prepared statement "gatehouse refused x" does not exist');

describe.each([{ split: false }, { split: true }])('approval at COMMIT, split: $split', ({ split }) => {
  let t: Transcript;
  beforeEach(async () => {
    t = await transcript({ split });
  });
  afterEach(() => t.close());

  async function begin() {
    t.client(query('begin'));
    await t.upstreamSees('Q begin');
    t.upstream(say.complete('BEGIN'), say.ready('T'));
    await t.clientGets('C BEGIN', 'Z T');
  }
  /** In an open transaction, one statement whose COMMIT waits. */
  async function need() {
    await begin();
    t.client(query('delete hold at commit'));
    await t.upstreamSees(...COUNTERS);
    t.upstream(...counters(5));
    await t.upstreamSees('Q delete hold at commit');
    t.upstream(say.complete('DELETE 3'), say.ready('T'));
    await t.clientGets('C DELETE 3', 'Z T');
  }
  async function commitIsHeld(sql = 'commit') {
    t.client(query(sql));
    await t.upstreamSees(...COUNTERS);
    t.upstream(...counters(12));
    await t.clientGets(HELD);
  }

  test('the statement runs at once, its COMMIT waits with all that it makes stand, and runs when it is approved', async () => {
    await need();
    t.client(query('insert 2'));
    await t.upstreamSees('Q insert 2');
    t.upstream(say.complete('INSERT 0 1'), say.ready('T'));
    await t.clientGets('C INSERT 0 1', 'Z T');
    await commitIsHeld();
    await t.upstreamSeesNothing();
    expect(t.held).toEqual([
      {
        sql: 'commit\n-- which runs:\n-- delete hold at commit\n-- insert 2\n-- changed public.t: 0 inserted, 0 updated, 7 deleted',
        withdrawn: false,
        settings: {},
        transaction: {
          statements: [
            { sql: 'delete hold at commit', rule: 'hold-rule', rows: 3 },
            { sql: 'insert 2', rule: null, rows: 1 },
          ],
          more: 0,
          tables: [{ table: 'public.t', inserted: 0, updated: 0, deleted: 7 }],
        },
      },
    ]);
    t.decide({ kind: 'approved' });
    await t.upstreamSees('Q commit');
    t.upstream(say.complete('COMMIT'), say.ready('I'));
    await t.clientGets('C COMMIT', 'Z I');
    // The next transaction is another.
    await begin();
    t.client(query('commit'));
    await t.upstreamSees('Q commit');
  });

  test.each([
    ['rejected', { kind: 'rejected', reviewer: 'bo', reason: 'No' } as const, 'E 42501 statement rejected by reviewer (req_1)'],
    ['expired', { kind: 'expired' } as const, 'E 57014 canceling statement due to approval timeout (req_1)'],
    ['cancelled', { kind: 'withdrawn' } as const, 'E 57014 canceling statement due to user request'],
  ])('%s: rolled back upstream, the client has the error and status I', async (_, outcome, error) => {
    await need();
    await commitIsHeld();
    t.decide(outcome);
    await t.upstreamSees(...asks('ROLLBACK'), 'H');
    t.upstream(...rolledBack());
    await t.upstreamSees('D S POISON', 'S');
    t.upstream(fails(), say.ready('I'));
    await t.clientGets(error, 'Z I');
    expect(t.received.join()).toContain('Its transaction was rolled back; nothing of it stands.');
    expect(t.received.join()).not.toContain('Nothing was executed');
    const last = t.journal.filter((entry) => entry.type === 'outcome').map(({ status }) => status);
    expect(last.at(-1)).toBe('rolledBack');
  });

  test('outside a transaction it is held as any statement', async () => {
    t.client(query('delete hold at commit'));
    await t.clientGets(HELD);
    await t.upstreamSeesNothing();
  });

  test('a text that holds the COMMIT too is held whole, before any of it runs', async () => {
    await begin();
    t.client(query('delete hold at commit; commit'));
    await t.clientGets(HELD);
    await t.upstreamSeesNothing();
    expect(t.held[0]?.transaction).toBeNull();
  });

  test('a COMMIT behind others in one text waits with them', async () => {
    await need();
    await commitIsHeld('insert 3; commit');
    await t.upstreamSeesNothing();
    expect(t.held[0]?.sql).toContain('-- delete hold at commit');
    t.decide({ kind: 'approved' });
    await t.upstreamSees('Q insert 3; commit');
  });

  test('rolling back to a savepoint keeps the need; rolling back all of it ends it', async () => {
    await need();
    t.client(query('rollback to a'));
    await t.upstreamSees('Q rollback to a');
    t.upstream(say.complete('ROLLBACK'), say.ready('T'));
    await t.clientGets('C ROLLBACK', 'Z T');
    await commitIsHeld();
    t.session.cancel();
    await t.upstreamSees(...asks('ROLLBACK'), 'H');
    t.upstream(...rolledBack());
    await t.upstreamSees('D S POISON', 'S');
    t.upstream(fails(), say.ready('I'));
    await t.clientGets('E 57014 canceling statement due to user request', 'Z I');
    await need();
    t.client(query('rollback'));
    await t.upstreamSees('Q rollback');
    t.upstream(say.complete('ROLLBACK'), say.ready('I'));
    await t.clientGets('C ROLLBACK', 'Z I');
    await begin();
    t.client(query('commit'));
    await t.upstreamSees('Q commit');
  });

  test('COMMIT of a failed transaction is a rollback, and waits for nobody', async () => {
    await need();
    t.client(query('select x'));
    await t.upstreamSees('Q select x');
    t.upstream(say.error('42703', 'no column'), say.ready('E'));
    await t.clientGets('E 42703 no column', 'Z E');
    t.client(query('commit'));
    await t.upstreamSees('Q commit');
    t.upstream(say.complete('ROLLBACK'), say.ready('I'));
    await t.clientGets('C ROLLBACK', 'Z I');
  });

  test('PREPARE TRANSACTION is refused', async () => {
    await need();
    t.client(query("prepare transaction 'x'"));
    await t.upstreamSees('D S POISON', 'S');
    t.upstream(fails(), say.ready('E'));
    await t.clientGets('E 42501 PREPARE TRANSACTION is refused in a transaction that needs approval at COMMIT (stm)', 'Z E');
  });

  test('a client that leaves withdraws it, and the server is left to roll back', async () => {
    await need();
    await commitIsHeld();
    t.hangUp();
    await t.upstreamSees('X');
    expect(t.held[0]?.withdrawn).toBe(true);
  });

  test('in a pipeline: the need at Bind, the COMMIT at its Execute', async () => {
    await begin();
    t.client(
      parse({ text: 'delete hold at commit' }),
      bind(),
      execute(),
      parse({ name: 'c', text: 'commit' }),
      bind({ portal: 'c', statement: 'c' }),
      execute({ portal: 'c' }),
      sync(),
    );
    await t.upstreamSees('P |delete hold at commit', 'H');
    t.upstream(say.parseComplete());
    await t.clientGets('1');
    await t.upstreamSees(...COUNTERS);
    t.upstream(...counters(0));
    await t.upstreamSees('B |', 'E', 'P c|commit', 'B c|c', 'H');
    t.upstream(say.bindComplete(), say.complete('DELETE 1'), say.parseComplete(), say.bindComplete());
    await t.clientGets('2', 'C DELETE 1', '1', '2');
    await t.upstreamSees(...COUNTERS);
    t.upstream(...counters(1));
    await t.clientGets(HELD);
    t.decide({ kind: 'rejected', reviewer: 'bo', reason: 'No' });
    await t.upstreamSees(...asks('ROLLBACK'), 'H');
    t.upstream(...rolledBack());
    await t.upstreamSees('D S POISON', 'S');
    t.upstream(fails(), say.ready('I'));
    await t.clientGets('E 42501 statement rejected by reviewer (req_1)', 'Z I');
  });

  test('behind a COMMIT or ROLLBACK of the same batch the status is not known: held as any statement', async () => {
    await need();
    t.client(
      parse({ name: 'r', text: 'rollback' }),
      bind({ statement: 'r' }),
      execute(),
      parse({ text: 'delete hold at commit' }),
      bind(),
      execute(),
      sync(),
    );
    await t.upstreamSees('P r|rollback', 'B |r', 'E', 'P |delete hold at commit', 'H');
    t.upstream(say.parseComplete(), say.bindComplete(), say.complete('ROLLBACK'), say.parseComplete());
    await t.clientGets('1', '2', 'C ROLLBACK', '1');
    await t.upstreamSees(...asks('place'), 'H');
    t.upstream(...say.answer('[]'));
    await t.clientGets(HELD);
    await t.upstreamSeesNothing();
    expect(t.held[0]?.transaction).toBeNull();
  });

  test('a COMMIT that was bound before the need arose waits at its Execute all the same', async () => {
    await begin();
    t.client(parse({ name: 'c', text: 'commit' }), bind({ portal: 'c', statement: 'c' }), sync());
    await t.upstreamSees('P c|commit', 'B c|c', 'S');
    t.upstream(say.parseComplete(), say.bindComplete(), say.ready('T'));
    await t.clientGets('1', '2', 'Z T');
    t.client(query('delete hold at commit'));
    await t.upstreamSees(...COUNTERS);
    t.upstream(...counters(0));
    await t.upstreamSees('Q delete hold at commit');
    t.upstream(say.complete('DELETE 1'), say.ready('T'));
    await t.clientGets('C DELETE 1', 'Z T');
    t.client(execute({ portal: 'c' }), sync());
    await t.upstreamSees(...COUNTERS);
    t.upstream(...counters(1));
    await t.clientGets(HELD);
    t.decide({ kind: 'approved' });
    await t.upstreamSees('E c', 'S');
    t.upstream(say.complete('COMMIT'), say.ready('I'));
    await t.clientGets('C COMMIT', 'Z I');
  });
});
