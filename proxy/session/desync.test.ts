import { serialize } from 'pg-protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { judgeOne, say, type Transcript, transcript } from './transcript';

const { query, parse, bind, execute, sync, flush, close, end } = serialize;
const DENIED = 'E 42501 statement denied by rule "deny-rule" (stm)';
const HELD = 'N 00000 statement held for approval (req_1)';

describe.each([{ split: false }, { split: true }])('split at every byte: $split', ({ split }) => {
  let t: Transcript;
  beforeEach(async () => {
    t = await transcript({ split });
  });
  afterEach(() => t.close());

  /** Runs statements that the upstream answers at once. */
  async function run(text: string, tag: string, status: 'I' | 'T' = 'I') {
    t.client(query(text));
    await t.upstreamSees(`Q ${text}`);
    t.upstream(say.complete(tag), say.ready(status));
    await t.clientGets(`C ${tag}`, `Z ${status}`);
  }

  describe('what is judged is what runs', () => {
    test('a Parse that fails takes nothing of the next batch with it', async () => {
      t.client(parse({ name: 'a', text: 'select 1' }), sync());
      await t.upstreamSees('P a|select 1', 'S');
      t.upstream(say.parseComplete(), say.ready());
      await t.clientGets('1', 'Z I');
      t.client(
        parse({ name: 'a', text: 'select 2' }),
        sync(),
        close({ type: 'S', name: 'a' }),
        parse({ name: 'a', text: 'hold me' }),
        sync(),
      );
      await t.upstreamSees('P a|select 2', 'S', 'C S a', 'P a|hold me', 'S');
      t.upstream(say.error('42P05', 'prepared statement "a" already exists'), say.ready());
      t.upstream(say.closeComplete(), say.parseComplete(), say.ready());
      await t.clientGets('E 42P05 prepared statement "a" already exists', 'Z I', '3', '1', 'Z I');
      t.client(bind({ statement: 'a' }), execute(), sync());
      await t.clientGets(HELD);
      await t.upstreamSeesNothing();
    });

    test('a name that DEALLOCATE and PREPARE are about to change is not used before they are answered', async () => {
      t.client(parse({ name: 'a', text: 'select 1' }), sync());
      await t.upstreamSees('P a|select 1', 'S');
      t.upstream(say.parseComplete(), say.ready());
      await t.clientGets('1', 'Z I');
      t.client(query('deallocate a; prepare a as hold me'), bind({ statement: 'a' }), execute(), sync());
      await t.upstreamSees('Q deallocate a; prepare a as hold me', 'H');
      t.upstream(say.complete('DEALLOCATE'), say.complete('PREPARE'), say.ready());
      await t.clientGets('C DEALLOCATE', 'C PREPARE', 'Z I', HELD);
      await t.upstreamSeesNothing();
    });

    test('EXECUTE of a Parse that holds another EXECUTE is not followed', async () => {
      await run('prepare b as hold me', 'PREPARE');
      t.client(parse({ name: 'a', text: 'execute b' }), sync());
      await t.upstreamSees('P a|execute b', 'S');
      t.upstream(say.parseComplete(), say.ready());
      await t.clientGets('1', 'Z I');
      t.client(query('execute a'));
      await t.clientGets('E 42501 statement could not be analyzed and was denied', 'Z I');
      await t.upstreamSeesNothing();
    });

    test('a portal of EXECUTE does not run what took the place of its statement', async () => {
      await run('begin', 'BEGIN', 'T');
      await run('prepare a as select 1', 'PREPARE', 'T');
      t.client(parse({ name: 's', text: 'execute a' }), bind({ statement: 's', portal: 'p' }), sync());
      await t.upstreamSees('P s|execute a', 'H');
      t.upstream(say.parseComplete());
      await t.upstreamSees('B p|s', 'S');
      t.upstream(say.bindComplete(), say.ready('T'));
      await t.clientGets('1', '2', 'Z T');
      await run('deallocate a', 'DEALLOCATE', 'T');
      await run('prepare a as hold me', 'PREPARE', 'T');
      t.client(execute({ portal: 'p' }), sync());
      await t.upstreamSees('D S POISON', 'S');
      t.upstream(say.error('26000', 'no'), say.ready('E'));
      await t.clientGets('E 42501 statement could not be analyzed and was denied', 'Z E');
    });

    test('FETCH does not run a portal of the protocol unrecorded', async () => {
      await run('begin', 'BEGIN', 'T');
      t.client(parse({ text: 'insert returning' }), bind({ portal: 'p' }), sync());
      await t.upstreamSees('P |insert returning', 'B p|', 'S');
      t.upstream(say.parseComplete(), say.bindComplete(), say.ready('T'));
      await t.clientGets('1', '2', 'Z T');
      // A cursor of that name was there once.
      t.session.protocol.names.cursors.set('p', judgeOne('declare p'));
      t.client(query('fetch p'));
      await t.upstreamSees('D S POISON', 'S');
      t.upstream(say.error('26000', 'no'), say.ready('E'));
      await t.clientGets('E 34000 cursor "p" does not exist', 'Z E');
    });
  });

  describe('names of an earlier batch that may yet fail', () => {
    test('a Parse that the server skips leaves the old statement, and the next batch is judged as that', async () => {
      t.client(parse({ name: 'a', text: 'hold me' }), sync());
      await t.upstreamSees('P a|hold me', 'S');
      t.upstream(say.parseComplete(), say.ready());
      await t.clientGets('1', 'Z I');
      t.client(
        parse({ name: 'b', text: 'select nope' }),
        close({ type: 'S', name: 'a' }),
        parse({ name: 'a', text: 'select 1' }),
        sync(),
        bind({ statement: 'a' }),
        execute(),
        sync(),
      );
      await t.upstreamSees('P b|select nope', 'C S a', 'P a|select 1', 'S', 'H');
      t.upstream(say.error('42703', 'no column nope'), say.ready());
      await t.clientGets('E 42703 no column nope', 'Z I', HELD);
      await t.upstreamSeesNothing();
    });

    test('EXECUTE behind one', async () => {
      t.client(parse({ name: 'a', text: 'hold me' }), sync());
      await t.upstreamSees('P a|hold me', 'S');
      t.upstream(say.parseComplete(), say.ready());
      await t.clientGets('1', 'Z I');
      t.client(
        parse({ name: 'b', text: 'select nope' }),
        close({ type: 'S', name: 'a' }),
        parse({ name: 'a', text: 'select 1' }),
        sync(),
        query('execute a'),
      );
      await t.upstreamSees('P b|select nope', 'C S a', 'P a|select 1', 'S', 'H');
      t.upstream(say.error('42703', 'no column nope'), say.ready());
      await t.clientGets('E 42703 no column nope', 'Z I', HELD);
      await t.upstreamSeesNothing();
    });
  });

  describe('pipelines', () => {
    test('the end of one transaction does not lift the taint of the next, which is on its way', async () => {
      t.client(query('select 1'), query('update ssn'));
      await t.upstreamSees('Q select 1', 'Q update ssn');
      t.upstream(say.complete('SELECT 1'), say.ready());
      t.upstream(say.error('23514', 'new row violates check "c"', 'Failing row contains (1, 123).'), say.ready());
      await t.clientGets('C SELECT 1', 'Z I', 'E 23514 new row violates check "c"', 'Z I');
      expect(t.received.at(-2)).not.toContain('123');
    });

    test('the end of one batch does not close a portal of the next', async () => {
      t.client(parse({ text: 'select 1' }), bind(), execute(), sync(), parse({ text: 'select 2' }), bind());
      await t.upstreamSees('P |select 1', 'B |', 'E', 'S', 'P |select 2', 'B |');
      t.upstream(say.parseComplete(), say.bindComplete(), say.complete('SELECT 1'), say.ready());
      await t.clientGets('1', '2', 'C SELECT 1', 'Z I');
      t.client(execute(), sync());
      await t.upstreamSees('E', 'S');
      t.upstream(say.parseComplete(), say.bindComplete(), say.complete('SELECT 1'), say.ready());
      await t.clientGets('1', '2', 'C SELECT 1', 'Z I');
    });

    test('a denied Query behind messages without Sync rolls their implicit transaction back', async () => {
      t.client(parse({ text: 'insert 1' }), bind(), execute(), flush());
      await t.upstreamSees('P |insert 1', 'B |', 'E', 'H');
      t.upstream(say.parseComplete(), say.bindComplete(), say.complete('INSERT 0 1'));
      await t.clientGets('1', '2', 'C INSERT 0 1');
      t.client(query('deny me'));
      await t.upstreamSees('D S POISON', 'S');
      t.upstream(say.error('26000', 'no'), say.ready());
      await t.clientGets(DENIED, 'Z I');
    });

    test('a denied Query behind a batch that fails is ignored to the Sync, as the server ignores it', async () => {
      t.client(parse({ text: 'select nope' }), query('deny me'), sync(), query('select 1'));
      await t.upstreamSees('P |select nope', 'H');
      t.upstream(say.error('42703', 'no column nope'));
      await t.clientGets('E 42703 no column nope');
      await t.upstreamSees('S', 'Q select 1');
      t.upstream(say.ready(), say.complete('SELECT 1'), say.ready());
      await t.clientGets('Z I', 'C SELECT 1', 'Z I');
    });

    test('a refused unnamed Parse that the server never reaches leaves the unnamed statement', async () => {
      t.client(parse({ text: 'select 1' }), sync());
      await t.upstreamSees('P |select 1', 'S');
      t.upstream(say.parseComplete(), say.ready());
      await t.clientGets('1', 'Z I');
      t.client(parse({ name: 'b', text: 'select nope' }), parse({ text: 'deny me' }), sync(), bind(), sync());
      await t.upstreamSees('P b|select nope', 'D S POISON', 'S', 'H');
      t.upstream(say.error('42703', 'no column nope'), say.ready());
      await t.clientGets('E 42703 no column nope', 'Z I');
      await t.upstreamSees('B |', 'S');
      t.upstream(say.bindComplete(), say.ready());
      await t.clientGets('2', 'Z I');
    });

    test('what waits for answers inside COPY would wait for ever, so the session ends', async () => {
      t.client(query('copy t from stdin'), query('hold me'));
      await t.upstreamSees('Q copy t from stdin', 'H');
      t.upstream(say.copyIn());
      await t.clientGets('G', 'E 08P01 unexpected message during COPY from stdin', 'closed');
    });

    test('executing a portal of a prepared name does not give the name its old text back', async () => {
      await run('begin', 'BEGIN', 'T');
      await run('prepare a as select 1', 'PREPARE', 'T');
      t.client(bind({ portal: 'p', statement: 'a' }), sync());
      await t.upstreamSees('B p|a', 'S');
      t.upstream(say.bindComplete(), say.ready('T'));
      await t.clientGets('2', 'Z T');
      await run('deallocate a', 'DEALLOCATE', 'T');
      t.client(parse({ name: 'a', text: 'hold me' }), sync());
      await t.upstreamSees('P a|hold me', 'S');
      t.upstream(say.parseComplete(), say.ready('T'));
      await t.clientGets('1', 'Z T');
      t.client(execute({ portal: 'p' }), sync());
      await t.upstreamSees('E p', 'S');
      t.upstream(say.complete('SELECT 1'), say.ready('T'));
      await t.clientGets('C SELECT 1', 'Z T');
      t.client(bind({ statement: 'a' }), execute(), sync());
      await t.clientGets(HELD);
      await t.upstreamSeesNothing();
    });

    test('nor does what waits for names to be settled inside COPY', async () => {
      t.client(query('prepare a as select 1; copy t from stdin'), query('execute a'));
      await t.upstreamSees('Q prepare a as select 1; copy t from stdin', 'H');
      t.upstream(say.complete('PREPARE'), say.copyIn());
      await t.clientGets('C PREPARE', 'G', 'E 08P01 unexpected message during COPY from stdin', 'closed');
    });

    test('what a bound EXECUTE runs is shown to the reviewer', async () => {
      await run('prepare a as hold me', 'PREPARE');
      t.client(parse({ text: 'execute a' }), bind(), execute(), sync());
      await t.upstreamSees('P |execute a', 'H');
      t.upstream(say.parseComplete());
      await t.upstreamSees('S');
      t.upstream(say.ready());
      await t.clientGets('1', HELD);
      expect(t.held[0]?.sql).toBe('execute a\n-- which runs:\n-- prepare a as hold me');
    });

    test('a message that waited behind one that failed is ignored, as the server ignores it', async () => {
      t.client(query('prepare a as select 1'), parse({ text: 'execute a' }), bind(), execute(), sync());
      await t.upstreamSees('Q prepare a as select 1', 'H');
      t.upstream(say.error('42P05', 'prepared statement "a" already exists'), say.ready());
      await t.upstreamSees('P |execute a', 'H');
      t.upstream(say.parseComplete());
      await t.upstreamSees('B |', 'D S POISON', 'S');
      t.upstream(say.bindComplete(), say.error('26000', `prepared statement "${t.poison}" does not exist`), say.ready());
      await t.clientGets(
        'E 42P05 prepared statement "a" already exists',
        'Z I',
        '1',
        '2',
        'E 26000 prepared statement "a" does not exist',
        'Z I',
      );
    });

    test('Terminate behind an error nobody synced after ends the session', async () => {
      t.client(parse({ text: 'select 1' }), end());
      await t.upstreamSees('P |select 1', 'X');
      t.upstream(say.error('42601', 'syntax error'));
      await t.clientGets('E 42601 syntax error', 'closed');
    });
  });

  describe('values in messages', () => {
    const raised = (sqlstate: string, extra: Record<string, string>) => {
      const base = say.error(sqlstate, 'pay cut for Ana: 5000');
      const fields = Object.entries(extra).map(([code, value]) => Buffer.from(`${code}${value}\0`));
      const body = Buffer.concat([base.subarray(5, -1), ...fields, Buffer.from([0])]);
      const head = Buffer.from([0x45, 0, 0, 0, 0]);
      head.writeUInt32BE(body.length + 4, 1);
      return Buffer.concat([head, body]);
    };

    test.each([
      ['01000', { R: 'exec_stmt_raise' }],
      ['23514', { W: 'PL/pgSQL function employee_guard() line 2 at RAISE' }],
    ])('RAISE of a trigger, whatever class it chose: %s', async (sqlstate, extra) => {
      t.client(query('update ssn'));
      await t.upstreamSees('Q update ssn');
      t.upstream(raised(sqlstate, extra), say.ready());
      await t.clientGets(`E ${sqlstate} message withheld because the transaction uses masked data (${sqlstate})`, 'Z I');
    });

    test('a cascade that fails on a row of a masked relation, behind a statement that names none', async () => {
      t.client(query('delete from countries'));
      await t.upstreamSees('Q delete from countries');
      t.upstream(raised('23502', { D: 'Failing row contains (1, 123-45-6789).', t: 'masked_t' }), say.ready());
      await t.clientGets('E 23502 pay cut for Ana: 5000', 'Z I');
      expect(t.received.join()).not.toContain('123-45-6789');
    });

    test('a change whose result was withheld is recorded as done', async () => {
      t.client(query('select innocent'));
      await t.upstreamSees('Q select innocent');
      t.upstream(say.columns([1, 1]), say.row('123'), say.complete('UPDATE 3'), say.ready());
      await t.clientGets('E 42501 result withheld because its columns could not be traced (stm)', 'Z I');
      expect(t.journal.at(-1)).toMatchObject({ status: 'done', sqlstate: '42501', rows: 3 });
    });
  });

  test('COPY data sent without waiting for the server to ask for it arrives, and nothing of it when the server does not ask', async () => {
    const { copyData, copyDone } = serialize;
    t.client(query('copy t from stdin'), copyData(Buffer.from('1\n')), copyDone(), query('select 1'));
    await t.upstreamSees('Q copy t from stdin', 'H');
    t.upstream(say.copyIn());
    await t.upstreamSees('d', 'c', 'Q select 1');
    t.upstream(say.complete('COPY 1'), say.ready(), say.complete('SELECT 1'), say.ready());
    await t.clientGets('G', 'C COPY 1', 'Z I', 'C SELECT 1', 'Z I');
    t.client(query('copy u from stdin'), copyData(Buffer.from('1\n')), copyDone(), query('select 1'));
    await t.upstreamSees('Q copy u from stdin', 'H');
    t.upstream(say.error('42P01', 'no relation u'), say.ready());
    await t.upstreamSees('Q select 1');
  });

  test('the rest of a CopyData message follows its beginning although COPY has failed meanwhile: the server reads on to its end', async () => {
    const { copyData, copyDone } = serialize;
    t.client(query('copy t from stdin'));
    await t.upstreamSees('Q copy t from stdin');
    t.upstream(say.copyIn());
    await t.clientGets('G');
    const data = copyData(Buffer.alloc(1_000, 0x78));
    t.client(data.subarray(0, 300));
    await t.upstreamGot(data.subarray(0, 300).length);
    t.upstream(say.error('22P02', 'invalid input'), say.ready());
    await t.clientGets('E 22P02 invalid input', 'Z I');
    t.client(data.subarray(300), copyData(Buffer.from('1\n')), copyDone(), query('select 1'));
    await t.upstreamSees('d', 'Q select 1');
  });
});
