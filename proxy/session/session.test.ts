import { serialize } from 'pg-protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { say, type Transcript, transcript } from './transcript';

const { query, parse, bind, execute, describe: describeMessage, sync, flush, close, end, copyData, copyDone } = serialize;
const DENIED = 'E 42501 statement denied by rule "deny-rule" (stm)';
const HELD = 'N 00000 statement held for approval (req_1)';
const DESCRIBE_POISON = 'D S POISON';
const failsAsPostgresDoes = () => say.error('26000', 'prepared statement "gatehouse refused x" does not exist');

describe.each([{ split: false }, { split: true }])('split at every byte: $split', ({ split }) => {
  let t: Transcript;
  beforeEach(async () => {
    t = await transcript({ split });
  });
  afterEach(() => t.close());

  const statuses = () => t.journal.map((entry) => `${entry.type} ${entry.status}`);

  describe('simple query', () => {
    test('an allowed statement is recorded, forwarded as it came, and answered', async () => {
      t.client(query('select 1'));
      await t.upstreamSees('Q select 1');
      expect(statuses()).toEqual(['statement running']);
      t.upstream(say.columns([0, 0]), say.row('1'), say.complete('SELECT 1'), say.ready());
      await t.clientGets('T', 'D 1', 'C SELECT 1', 'Z I');
      expect(t.journal[1]).toMatchObject({ type: 'outcome', status: 'done', rows: 1 });
    });

    test('a denied statement never reaches the upstream and the session goes on', async () => {
      t.client(query('deny me'), query('select 1'));
      await t.clientGets(DENIED, 'Z I');
      await t.upstreamSees('Q select 1');
      expect(t.journal[0]).toMatchObject({ status: 'denied', sqlstate: '42501' });
    });

    test('inside a transaction a denial leaves both sides in E', async () => {
      t.client(query('begin'));
      await t.upstreamSees('Q begin');
      t.upstream(say.complete('BEGIN'), say.ready('T'));
      await t.clientGets('C BEGIN', 'Z T');
      t.client(query('deny me'));
      await t.upstreamSees(DESCRIBE_POISON, 'S');
      t.upstream(failsAsPostgresDoes(), say.ready('E'));
      await t.clientGets(DENIED, 'Z E');
    });

    test('one denied statement denies the whole text', async () => {
      t.client(query('select 1; deny me; select 2'));
      await t.clientGets(DENIED, 'Z I');
      await t.upstreamSeesNothing();
      expect(statuses()).toEqual(['statement denied', 'statement denied', 'statement denied']);
    });

    test('after an error in a text the rest is recorded as never run', async () => {
      t.client(query('select 1; select 2; select 3'));
      await t.upstreamSees('Q select 1; select 2; select 3');
      t.upstream(say.columns([0, 0]), say.complete('SELECT 0'), say.error('22012', 'division by zero'), say.ready());
      await t.clientGets('T', 'C SELECT 0', 'E 22012 division by zero', 'Z I');
      expect(statuses().slice(3)).toEqual(['outcome done', 'outcome failed', 'outcome skipped']);
    });

    test('what cannot be recorded is not executed', async () => {
      t.journalFails = true;
      t.client(query('select 1'));
      await t.clientGets('E 58000 statement not executed because it could not be recorded', 'Z I');
      await t.upstreamSeesNothing();
    });
  });

  describe('pipelines', () => {
    test('trap-26-denied-in-the-middle: a denial in the middle, answers in order, the rest ignored, one ReadyForQuery', async () => {
      t.client(
        parse({ text: 'select 1' }),
        bind(),
        execute(),
        parse({ text: 'deny me' }),
        bind(),
        execute(),
        parse({ text: 'select 3' }),
        bind(),
        execute(),
        sync(),
      );
      await t.upstreamSees('P |select 1', 'B |', 'E', DESCRIBE_POISON, 'S');
      t.upstream(say.parseComplete(), say.bindComplete(), say.complete('SELECT 1'), failsAsPostgresDoes(), say.ready());
      await t.clientGets('1', '2', 'C SELECT 1', DENIED, 'Z I');
    });

    test('trap-23-skips-to-sync: what stands between a denial and Sync is ignored, a simple Query included', async () => {
      t.client(parse({ text: 'deny me' }), query('select 1'), sync());
      await t.upstreamSees(DESCRIBE_POISON, 'S');
      t.upstream(failsAsPostgresDoes(), say.ready());
      await t.clientGets(DENIED, 'Z I');
      await t.upstreamSeesNothing();
    });

    test('what waited for the catalog while a message before it failed is ignored, as the server ignores it', async () => {
      let catalogWasRead = () => {};
      t.readCatalog = async () => {
        // The Parse is judged at once, the Bind has to wait.
        t.readCatalog = () =>
          new Promise((resolve) => {
            catalogWasRead = resolve;
          });
      };
      t.client(parse({ text: 'select unseen' }), bind(), execute(), sync());
      await t.upstreamSees('P |select unseen');
      t.upstream(say.error('42P01', 'relation "unseen" does not exist'));
      await t.clientGets('E 42P01 relation "unseen" does not exist');
      catalogWasRead();
      await t.upstreamSees('S');
      t.upstream(say.ready());
      await t.clientGets('Z I');
    });

    test('a denied Parse does not leave the previous unnamed statement to be run', async () => {
      t.client(parse({ text: 'select 1' }), sync());
      await t.upstreamSees('P |select 1', 'S');
      t.upstream(say.parseComplete(), say.ready());
      await t.clientGets('1', 'Z I');
      t.client(parse({ text: 'deny me' }), sync());
      await t.upstreamSees(DESCRIBE_POISON, 'S');
      t.upstream(failsAsPostgresDoes(), say.ready());
      await t.clientGets(DENIED, 'Z I');
      t.client(bind(), execute(), sync());
      await t.upstreamSees('C S', 'D S', 'S');
      t.upstream(say.closeComplete(), say.error('26000', 'unnamed prepared statement does not exist'), say.ready());
      await t.clientGets('E 26000 unnamed prepared statement does not exist', 'Z I');
    });

    test('trap-31-second-parse-fails: a name whose second Parse failed keeps its first statement', async () => {
      t.client(parse({ name: 'a', text: 'select ssn' }), sync());
      await t.upstreamSees('P a|select ssn', 'S');
      t.upstream(say.parseComplete(), say.ready());
      await t.clientGets('1', 'Z I');
      t.client(parse({ name: 'a', text: 'select 2' }), sync());
      await t.upstreamSees('P a|select 2', 'S');
      t.upstream(say.error('42P05', 'prepared statement "a" already exists'), say.ready());
      await t.clientGets('E 42P05 prepared statement "a" already exists', 'Z I');
      // Judged as `select ssn` still: the gateway asks for the origins before it lets rows through.
      t.client(bind({ statement: 'a' }), execute(), sync());
      await t.upstreamSees('B |a', 'D P', 'E', 'S');
      t.upstream(say.bindComplete(), say.columns([1, 1]), say.row('123'), say.complete('SELECT 1'), say.ready());
      await t.clientGets('2', 'D ***', 'C SELECT 1', 'Z I');
    });

    test('a Parse that the server skipped is not believed', async () => {
      t.client(parse({ name: 'a', text: 'select 1' }), sync());
      await t.upstreamSees('P a|select 1', 'S');
      t.upstream(say.parseComplete(), say.ready());
      await t.clientGets('1', 'Z I');
      t.client(bind({ statement: 'a' }), close({ type: 'S', name: 'a' }), parse({ name: 'a', text: 'select ssn' }), sync());
      await t.upstreamSees('B |a', 'C S a', 'P a|select ssn', 'S');
      t.upstream(say.error('08P01', 'bind message supplies 0 parameters'), say.ready());
      await t.clientGets('E 08P01 bind message supplies 0 parameters', 'Z I');
      expect(t.session.protocol.names.statements.get('a')?.sql).toBe('select 1');
    });

    test('trap-25-errors-flush-at-once: an error the client has not synced after is delivered at once', async () => {
      t.client(parse({ text: 'deny me' }), flush());
      await t.upstreamSees(DESCRIBE_POISON);
      t.upstream(failsAsPostgresDoes());
      await t.clientGets(DENIED);
      t.client(bind(), sync());
      await t.upstreamSees('S');
      t.upstream(say.ready());
      await t.clientGets('Z I');
    });
  });

  describe('masked results', () => {
    test('by origin, whatever the column is called', async () => {
      t.client(query('select name, ssn as harmless'));
      await t.upstreamSees('Q select name, ssn as harmless');
      t.upstream(say.columns([1, 2], [1, 1]), say.row('Ana', '123'), say.row('Bo', '456'), say.complete('SELECT 2'), say.ready());
      await t.clientGets('T', 'D Ana,***', 'D Bo,***', 'C SELECT 2', 'Z I');
      expect(t.journal.at(-1)).toMatchObject({ rows: 2, maskedColumns: ['public.t.ssn'] });
    });

    test('trap-30-repeat-keeps-its-mask: a prepared statement executed again without Describe keeps its mask', async () => {
      t.client(parse({ name: 's', text: 'select ssn' }), describeMessage({ type: 'S', name: 's' }), sync());
      await t.upstreamSees('P s|select ssn', 'D S s', 'S');
      t.upstream(say.parseComplete(), say.parameters(), say.columns([1, 1]), say.ready());
      await t.clientGets('1', 't', 'T', 'Z I');
      for (let round = 0; round < 3; round++) {
        t.client(bind({ statement: 's' }), execute(), sync());
        await t.upstreamSees('B |s', 'D P', 'E', 'S');
        t.upstream(say.bindComplete(), say.columns([1, 1]), say.row('123'), say.complete('SELECT 1'), say.ready());
        await t.clientGets('2', 'D ***', 'C SELECT 1', 'Z I');
      }
      expect(t.journal.filter((entry) => entry.type === 'statement').length).toBe(3);
    });

    test('trap-34-suspended-portal-keeps-its-mask: a suspended portal goes on under the same mask', async () => {
      t.client(parse({ text: 'select ssn' }), bind(), execute({ rows: 1 }), execute({ rows: 1 }), sync());
      await t.upstreamSees('P |select ssn', 'B |', 'D P', 'E', 'E', 'S');
      t.upstream(
        say.parseComplete(),
        say.bindComplete(),
        say.columns([1, 1]),
        say.row('1'),
        say.suspended(),
        say.row('2'),
        say.complete('SELECT 1'),
        say.ready(),
      );
      await t.clientGets('1', '2', 'D ***', 's', 'D ***', 'C SELECT 1', 'Z I');
    });

    test('a masked origin in a statement judged clean stops the result before its first row', async () => {
      t.client(query('select innocent'));
      await t.upstreamSees('Q select innocent');
      t.upstream(say.columns([1, 1]), say.row('123'), say.complete('SELECT 1'), say.ready());
      await t.clientGets('E 42501 result withheld because its columns could not be traced (stm)', 'Z I');
    });

    test('values in messages of a transaction that met masked data do not leave', async () => {
      t.client(query('update ssn'));
      await t.upstreamSees('Q update ssn');
      t.upstream(
        say.error('23505', 'duplicate key value violates unique constraint "t_ssn_key"', 'Key (ssn)=(123) already exists.'),
        say.ready(),
      );
      await t.clientGets('E 23505 duplicate key value violates unique constraint "t_ssn_key"', 'Z I');
      t.client(query('update ssn'));
      await t.upstreamSees('Q update ssn');
      t.upstream(say.error('22P02', 'invalid input syntax for type integer: "123"'), say.ready());
      await t.clientGets('E 22P02 invalid input syntax', 'Z I');
    });

    test('SQL EXECUTE is judged as what it runs', async () => {
      t.client(query('prepare p as select ssn'));
      await t.upstreamSees('Q prepare p as select ssn');
      t.upstream(say.complete('PREPARE'), say.ready());
      await t.clientGets('C PREPARE', 'Z I');
      t.client(query('execute p'));
      await t.upstreamSees('Q execute p');
      t.upstream(say.columns([1, 1]), say.row('123'), say.complete('SELECT 1'), say.ready());
      await t.clientGets('T', 'D ***', 'C SELECT 1', 'Z I');
      t.client(query('execute unknown'));
      await t.upstreamSees(DESCRIBE_POISON, 'S');
      t.upstream(say.error('26000', `prepared statement "${t.poison}" does not exist`), say.ready());
      await t.clientGets('E 26000 prepared statement "unknown" does not exist', 'Z I');
    });
  });

  describe('held statements', () => {
    test('trap-35-one-table-of-names: a held statement prepared in SQL and bound by the protocol is held', async () => {
      t.client(query('prepare p as hold me'));
      await t.upstreamSees('Q prepare p as hold me');
      t.upstream(say.complete('PREPARE'), say.ready());
      await t.clientGets('C PREPARE', 'Z I');
      t.client(bind({ statement: 'p' }), execute(), sync());
      await t.clientGets(HELD);
      await t.upstreamSeesNothing();
      t.decide({ kind: 'approved' });
      await t.upstreamSees('B |p', 'E', 'S');
    });

    test('wait, tell, and run exactly as they came when approved', async () => {
      t.client(query('hold me'));
      await t.clientGets(HELD);
      await t.upstreamSeesNothing();
      t.decide({ kind: 'approved' });
      await t.upstreamSees('Q hold me');
      t.upstream(say.complete('DELETE 1'), say.ready());
      await t.clientGets('C DELETE 1', 'Z I');
      expect(statuses()).toEqual(['statement held', 'outcome running', 'outcome done']);
    });

    test('approved, but denied by a policy that changed meanwhile: it does not run, and the record says denied', async () => {
      t.client(query('hold me'));
      await t.clientGets(HELD);
      t.deniesHeld = true;
      t.decide({ kind: 'approved' });
      await t.clientGets(DENIED, 'Z I');
      await t.upstreamSeesNothing();
      expect(statuses()).toEqual(['statement held', 'outcome denied']);
    });

    test('a rejection reaches the client with its reason, and nothing ran', async () => {
      t.client(query('hold me'));
      await t.clientGets(HELD);
      t.decide({ kind: 'rejected', reviewer: 'bo', reason: 'Not today.' });
      await t.clientGets('E 42501 statement rejected by reviewer (req_1)', 'Z I');
      await t.upstreamSeesNothing();
      expect(statuses()).toEqual(['statement held', 'outcome rejected']);
    });

    test('trap-22-cancel-while-held: cancel while held withdraws and answers 57014', async () => {
      t.client(query('hold me'));
      await t.clientGets(HELD);
      t.session.cancel();
      await t.clientGets('E 57014 canceling statement due to user request', 'Z I');
      expect(t.held).toMatchObject([{ sql: 'hold me', withdrawn: true }]);
      expect(t.cancels).toBe(0);
      t.client(query('select 1'));
      await t.upstreamSees('Q select 1');
    });

    test('the reviewer of an EXECUTE sees what it runs', async () => {
      t.client(query('prepare p as hold me'));
      await t.upstreamSees('Q prepare p as hold me');
      t.upstream(say.complete('PREPARE'), say.ready());
      await t.clientGets('C PREPARE', 'Z I');
      t.client(query('execute p'));
      await t.clientGets(HELD);
      expect(t.held[0]?.sql).toBe('execute p\n-- which runs:\n-- prepare p as hold me');
      t.decide({ kind: 'approved' });
      await t.upstreamSees('Q execute p');
    });

    test('trap-52-client-leaves: a client that leaves withdraws its request', async () => {
      t.client(query('hold me'));
      await t.clientGets(HELD);
      t.hangUp();
      await t.upstreamSees('X');
      expect(t.held[0]?.withdrawn).toBe(true);
    });

    test('trap-27-held-in-mid-pipeline: in a pipeline, what came before is answered and what comes behind waits', async () => {
      t.client(
        parse({ text: 'select 1' }),
        bind(),
        execute(),
        parse({ name: 'h', text: 'hold me' }),
        bind({ statement: 'h' }),
        execute(),
        sync(),
      );
      await t.upstreamSees('P |select 1', 'B |', 'E', 'P h|hold me', 'H');
      t.upstream(say.parseComplete(), say.bindComplete(), say.complete('SELECT 1'), say.parseComplete());
      await t.clientGets('1', '2', 'C SELECT 1', '1');
      // An Execute of ours ends the time that its Parse began: statement_timeout is not for people.
      await t.upstreamSees('P ASK|place', 'B ASK|ASK', 'C S ASK', 'E ASK', 'C P ASK', 'H');
      t.upstream(...say.answer('[]'));
      await t.clientGets(HELD);
      t.decide({ kind: 'approved' });
      await t.upstreamSees('B |h', 'E', 'S');
      t.upstream(say.bindComplete(), say.complete('DELETE 2'), say.ready());
      await t.clientGets('2', 'C DELETE 2', 'Z I');
      expect(t.journal.filter((entry) => entry.type === 'statement').length).toBe(2);
    });

    test('trap-37-binary-parameters-without-types: binary parameters without types are shown as the server says they are', async () => {
      t.client(parse({ text: 'hold $1' }), bind({ values: [Buffer.from([0, 0, 0, 42])] }), execute(), sync());
      await t.upstreamSees('P |hold $1', 'D S', 'H');
      t.upstream(say.parseComplete(), say.parameters(23), say.noData());
      await t.upstreamSees('S');
      t.upstream(say.ready());
      await t.clientGets('1', HELD);
      expect(t.journal[0]).toMatchObject({ parameters: [{ typeOid: 23, value: '42' }] });
    });

    test('trap-32-cursor-made-declare-executed: a cursor made by DECLARE is executed by the protocol and recorded as a FETCH', async () => {
      t.client(query('declare c'));
      await t.upstreamSees('Q declare c');
      t.upstream(say.complete('DECLARE CURSOR'), say.ready('T'));
      await t.clientGets('C DECLARE CURSOR', 'Z T');
      t.client(execute({ portal: 'c', rows: 2 }), sync());
      await t.upstreamSees('E c', 'S');
      t.upstream(say.row('1'), say.row('2'), say.suspended(), say.ready('T'));
      await t.clientGets('D 1', 'D 2', 's', 'Z T');
      expect(t.journal.at(-2)).toMatchObject({ sql: 'FETCH 2 FROM "c"', status: 'running' });
      expect(t.journal.at(-1)).toMatchObject({ status: 'done', rows: 2 });
    });

    test('trap-21-cancel-while-statement-still: a cancel while a statement still waits for the catalog answers it, and nothing is sent', async () => {
      let read: () => void = () => undefined;
      t.readCatalog = () => new Promise((resolve) => (read = resolve));
      t.client(query('select unseen'));
      await t.upstreamSeesNothing();
      await t.session.cancel();
      read();
      await t.clientGets('E 57014 canceling statement due to user request', 'Z I');
      await t.upstreamSeesNothing();
      t.client(query('select 1'));
      await t.upstreamSees('Q select 1');
    });

    test('while a person thinks, the locks that parsing took are let go', async () => {
      t.client(parse({ text: 'hold me' }), describeMessage({ type: 'S' }), bind(), execute(), sync());
      await t.upstreamSees('P |hold me', 'D S', 'S');
      t.upstream(say.parseComplete(), say.parameters(), say.noData(), say.ready());
      await t.clientGets('1', 't', 'n', HELD);
      t.decide({ kind: 'approved' });
      await t.upstreamSees('B |', 'E', 'S');
      t.upstream(say.bindComplete(), say.complete('DELETE 1'), say.ready());
      await t.clientGets('2', 'C DELETE 1', 'Z I');
    });

    test('a Parse that fails while its locks were being let go is still skipped to the Sync of the client', async () => {
      t.client(parse({ text: 'hold me' }), bind(), execute(), parse({ text: 'select 2' }), sync(), query('select 3'));
      await t.upstreamSees('P |hold me', 'S');
      t.upstream(say.error('42P01', 'no table me'), say.ready());
      await t.clientGets('E 42P01 no table me');
      await t.upstreamSees('S', 'Q select 3');
      t.upstream(say.ready(), say.complete('SELECT 1'), say.ready());
      await t.clientGets('Z I', 'C SELECT 1', 'Z I');
      expect(t.held).toEqual([]);
    });

    test('a held statement behind one that failed is never asked about', async () => {
      t.client(
        parse({ text: 'select 1' }),
        bind(),
        execute(),
        parse({ name: 'h', text: 'hold me' }),
        bind({ statement: 'h' }),
        execute(),
        sync(),
      );
      await t.upstreamSees('P |select 1', 'B |', 'E', 'P h|hold me', 'H');
      t.upstream(say.parseComplete(), say.bindComplete(), say.error('22012', 'division by zero'));
      await t.clientGets('1', '2', 'E 22012 division by zero');
      await t.upstreamSees('S');
      t.upstream(say.ready());
      await t.clientGets('Z I');
      expect(t.held).toEqual([]);
    });
  });

  describe('cancel, copy, state', () => {
    test('trap-20-late-cancel: nothing is forwarded behind a cancel until the server has dealt with it', async () => {
      t.client(query('select slow'));
      await t.upstreamSees('Q select slow');
      t.session.cancel();
      expect(t.cancels).toBe(1);
      t.upstream(say.error('57014', 'canceling statement due to user request'), say.ready());
      await t.clientGets('E 57014 canceling statement due to user request', 'Z I');
      t.session.cancel();
      expect(t.cancels).toBe(1);
    });

    test('COPY in: data passes, Sync inside it is ignored, stray data after an error is dropped', async () => {
      t.client(parse({ text: 'copy t from stdin' }), bind(), execute(), sync());
      await t.upstreamSees('P |copy t from stdin', 'B |', 'E', 'S');
      t.upstream(say.parseComplete(), say.bindComplete(), say.copyIn());
      await t.clientGets('1', '2', 'G');
      t.client(copyData(Buffer.from('1\n')), copyDone(), sync());
      await t.upstreamSees('d', 'c', 'S');
      t.upstream(say.complete('COPY 1'), say.ready());
      await t.clientGets('C COPY 1', 'Z I');
      t.client(copyData(Buffer.from('late\n')), query('select 1'));
      await t.upstreamSees('Q select 1');
    });

    test('trap-56-trap-57-changed-reading: a changed reading of text ends the session', async () => {
      t.upstream(say.status('standard_conforming_strings', 'off'));
      await t.clientGets(
        'E 0A000 standard_conforming_strings was changed and statements can no longer be read as the server reads them',
        'closed',
      );
    });

    test('trap-46-moves-no-state: a parameter status between rows moves nothing', async () => {
      t.client(query('select 1'));
      await t.upstreamSees('Q select 1');
      t.upstream(say.columns([0, 0]), say.row('1'), say.status('TimeZone', 'UTC'), say.row('2'), say.complete('SELECT 2'), say.ready());
      await t.clientGets('T', 'D 1', 'S', 'D 2', 'C SELECT 2', 'Z I');
    });

    test('an upstream that answers what was not asked ends the session, not the gateway', async () => {
      t.upstream(say.bindComplete());
      await t.clientGets('E XX000 internal error (err_1)', 'closed');
      expect(String(t.lastError)).toContain('answered 0x32 to nothing');
    });

    test('trap-41-statement-too-large: a statement too large is refused and the session lives', async () => {
      t.client(query(`select '${'x'.repeat(20_000)}'`), query('select 1'));
      await t.clientGets('E 54000 statement of 20010 bytes exceeds the limit of 10000 bytes', 'Z I');
      await t.upstreamSees('Q select 1');
    });

    test("trap-25-errors-flush-at-once: errors on names nobody has are the server's own words, at their place of the pipeline", async () => {
      t.client(parse({ text: 'select 1' }), bind({ statement: 'nobody' }), execute(), sync());
      await t.upstreamSees('P |select 1', DESCRIBE_POISON, 'S');
      t.upstream(say.parseComplete(), say.error('26000', `prepared statement "${t.poison}" does not exist`), say.ready());
      await t.clientGets('1', 'E 26000 prepared statement "nobody" does not exist', 'Z I');
      t.client(execute({ portal: 'nobody' }), sync());
      await t.upstreamSees('E POISON', 'S');
      t.upstream(say.error('34000', `portal "${t.poison}" does not exist`), say.ready());
      await t.clientGets('E 34000 portal "nobody" does not exist', 'Z I');
    });

    test('trap-59-unknown-syntax: what our grammar does not take is parsed by the server for its own words, and never runs', async () => {
      t.client(query('SYNTAX'));
      await t.upstreamSees('P POISON|SYNTAX', 'C S POISON', DESCRIBE_POISON, 'S');
      t.upstream(say.error('42601', 'syntax error at or near "SYNTAX"'), say.ready());
      await t.clientGets('E 42601 syntax error at or near "SYNTAX"', 'Z I');
      expect(t.journal.at(-1)).toMatchObject({ status: 'denied', sqlstate: '42601', sql: 'SYNTAX' });
      // A server that takes it is newer than the grammar: refused all the same.
      t.client(parse({ name: 's', text: 'SYNTAX' }), bind({ statement: 's' }), execute(), sync());
      await t.upstreamSees('P POISON|SYNTAX', 'C S POISON', DESCRIBE_POISON, 'S');
      t.upstream(say.parseComplete(), say.closeComplete(), failsAsPostgresDoes(), say.ready());
      await t.clientGets('E 42501 statement could not be analyzed and was denied', 'Z I');
    });

    test('trap-59-unknown-syntax: a syntax error that cannot be recorded is refused', async () => {
      t.journalFails = true;
      t.client(query('SYNTAX'));
      await t.clientGets('E 58000 statement not executed because it could not be recorded', 'Z I');
      await t.upstreamSeesNothing();
    });

    test('trap-42-copydata-limit: CopyData above its limit ends the COPY as if the client had given up', async () => {
      t.limits = { ...t.limits, messageBytes: 10_000 };
      t.client(query('copy t from stdin'));
      await t.upstreamSees('Q copy t from stdin');
      t.upstream(say.copyIn());
      await t.clientGets('G');
      t.client(copyData(Buffer.alloc(11_000, 0x78)), copyDone(), query('select 1'));
      await t.upstreamSees('f', 'H');
      t.upstream(say.error('57014', 'COPY from stdin failed: message of 11000 bytes exceeds the limit'), say.ready());
      await t.upstreamSees('Q select 1');
    });

    test('a client silent for longer than its connection allows is ended, in a transaction by that limit', async () => {
      t.limits = { ...t.limits, idleMs: 60_000, idleInTransactionMs: 300 };
      t.client(query('begin'));
      await t.upstreamSees('Q begin');
      t.upstream(say.complete('BEGIN'), say.ready('T'));
      await t.clientGets('C BEGIN', 'Z T', 'E 25P03 terminating connection due to idle-in-transaction timeout', 'closed');
    });

    test.each([
      ['Sync', Buffer.from([0x53, 0, 0, 0, 5, 0])],
      ['Flush', Buffer.from([0x48, 0, 0, 0, 8, 0, 0, 0, 0])],
    ])('trap-54-no-body: a %s with a body is no message', async (_, bytes) => {
      t.client(bytes);
      await t.clientGets('E 08P01 invalid message format', 'closed');
    });

    test('trap-24-inside-a-message: our last words never stand in the middle of a row', async () => {
      t.client(query('select 1'));
      await t.upstreamSees('Q select 1');
      t.upstream(say.columns([0, 0]), say.row('x'.repeat(1_000)).subarray(0, 500));
      await t.clientGets('T');
      await expect.poll(() => t.unfinished()).toBe(500);
      t.session.terminate();
      await t.clientGets('closed');
      expect(t.unfinished()).toBe(500);
    });

    test('a statement that runs is no idleness', async () => {
      t.limits = { ...t.limits, idleMs: 300 };
      t.client(query('select 1'));
      await t.upstreamSees('Q select 1');
      await new Promise((resolve) => setTimeout(resolve, 900));
      t.upstream(say.complete('SELECT 1'), say.ready());
      await t.clientGets('C SELECT 1', 'Z I', 'E 57P05 terminating connection due to idle-session timeout', 'closed');
    });

    test('trap-39-function-call-refused: the function call protocol is not allowed', async () => {
      t.client(Buffer.from([0x46, 0, 0, 0, 4]));
      await t.clientGets('E 42501 function call protocol is not allowed', 'Z I');
    });

    test('trap-52-client-leaves: a client that closes its sending side still gets its result', async () => {
      t.client(query('select 1'), end());
      await t.upstreamSees('Q select 1', 'X');
      t.upstream(say.columns([0, 0]), say.row('1'), say.complete('SELECT 1'), say.ready());
      await t.clientGets('T', 'D 1', 'C SELECT 1', 'Z I');
    });
  });
});
