import { serialize } from 'pg-protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { say, type Transcript, transcript } from './transcript';

const { query, parse, bind, execute, sync, flush, copyData, copyDone, copyFail, describe: describeMessage } = serialize;
const DENIED = 'E 42501 statement denied by rule "deny-rule" (stm)';
const HELD = 'N 00000 statement held for approval (req_1)';
const POISON = 'D S POISON';
const asPostgresFails = () => say.error('26000', 'prepared statement "gatehouse refused x" does not exist');

/** Order and state alone, as transcripts; what needs a real server is in e2e/protocol. */
describe.each([{ split: false }, { split: true }])('split at every byte: $split', ({ split }) => {
  let t: Transcript;
  beforeEach(async () => {
    t = await transcript({ split });
  });
  afterEach(() => t.close());

  test('trap-23-simple-query-inside-the-skip: it is not run, and has no ReadyForQuery of its own', async () => {
    t.client(parse({ text: 'deny me' }), query('select 1'), parse({ text: 'select 2' }), query('deny me'), sync(), query('select 3'));
    await t.upstreamSees(POISON, 'S', 'Q select 3');
    t.upstream(asPostgresFails(), say.ready(), say.complete('SELECT 1'), say.ready());
    await t.clientGets(DENIED, 'Z I', 'C SELECT 1', 'Z I');
  });

  test('trap-24-local-notice-waits-for-the-answers-before-it: and comes behind all of them', async () => {
    t.client(query('select 1'), query('hold me'));
    await t.upstreamSees('Q select 1', 'H');
    t.upstream(say.columns([0, 0]), say.row('1').subarray(0, 7));
    await t.clientGets('T');
    expect(t.held).toEqual([]);
    t.upstream(say.row('1').subarray(7), say.complete('SELECT 1'), say.ready());
    await t.clientGets('D 1', 'C SELECT 1', 'Z I', HELD);
  });

  test('trap-25-denial-behind-answers-nobody-flushed: all of them come with it', async () => {
    t.client(parse({ text: 'select 1' }), bind(), parse({ text: 'deny me' }));
    await t.upstreamSees('P |select 1', 'B |', POISON);
    t.upstream(say.parseComplete(), say.bindComplete(), asPostgresFails());
    await t.clientGets('1', '2', DENIED);
  });

  test('trap-26-first-and-last-denied: each batch has its one ReadyForQuery', async () => {
    t.client(parse({ text: 'deny me' }), sync(), parse({ text: 'select 1' }), bind(), execute(), parse({ text: 'deny me' }), sync());
    await t.upstreamSees(POISON, 'S', 'P |select 1', 'B |', 'E', POISON, 'S');
    t.upstream(asPostgresFails(), say.ready());
    t.upstream(say.parseComplete(), say.bindComplete(), say.complete('SELECT 1'), asPostgresFails(), say.ready());
    await t.clientGets(DENIED, 'Z I', '1', '2', 'C SELECT 1', DENIED, 'Z I');
  });

  test('trap-29-every-execute-of-a-portal-is-a-run', async () => {
    t.client(parse({ text: 'select 1' }), bind(), execute({ rows: 1 }), execute({ rows: 1 }), sync());
    await t.upstreamSees('P |select 1', 'B |', 'E', 'E', 'S');
    t.upstream(say.parseComplete(), say.bindComplete(), say.row('1'), say.suspended(), say.complete('SELECT 0'), say.ready());
    await t.clientGets('1', '2', 'D 1', 's', 'C SELECT 0', 'Z I');
    const statements = t.journal.filter((entry) => entry.type === 'statement');
    expect(new Set(statements.map(({ id }) => id)).size).toBe(2);
  });

  test('trap-42-copy-error-half-way: what the client still sends is not forwarded, in a simple query and in a batch', async () => {
    t.client(query('copy t from stdin'));
    await t.upstreamSees('Q copy t from stdin');
    t.upstream(say.copyIn());
    await t.clientGets('G');
    t.client(copyData(Buffer.from('x\n')));
    await t.upstreamSees('d');
    t.upstream(say.error('22P02', 'bad'), say.ready());
    await t.clientGets('E 22P02 bad', 'Z I');
    t.client(copyData(Buffer.from('y\n')), copyFail('stop'), copyDone(), query('select 1'));
    await t.upstreamSees('Q select 1');

    t.upstream(say.complete('SELECT 1'), say.ready());
    await t.clientGets('C SELECT 1', 'Z I');
    t.client(parse({ text: 'copy t from stdin' }), bind(), execute(), flush());
    await t.upstreamSees('P |copy t from stdin', 'B |', 'E', 'H');
    t.upstream(say.parseComplete(), say.bindComplete(), say.copyIn(), say.error('22P02', 'bad'));
    await t.clientGets('1', '2', 'G', 'E 22P02 bad');
    t.client(copyData(Buffer.from('y\n')), copyDone(), describeMessage({ type: 'P' }), query('select 2'), sync());
    await t.upstreamSees('S');
    t.upstream(say.ready());
    await t.clientGets('Z I');
  });

  test('trap-46-parameter-status-while-held: it passes, and moves nothing', async () => {
    t.client(query('hold me'));
    await t.clientGets(HELD);
    t.upstream(say.status('TimeZone', 'UTC'));
    await t.clientGets('S');
    t.decide({ kind: 'approved' });
    await t.upstreamSees('Q hold me');
  });

  test('trap-49-cancel-of-a-hold-in-a-transaction: the server is made to fail with it', async () => {
    t.client(query('begin'));
    await t.upstreamSees('Q begin');
    t.upstream(say.complete('BEGIN'), say.ready('T'));
    await t.clientGets('C BEGIN', 'Z T');
    t.client(query('hold me'));
    await t.clientGets(HELD);
    t.session.cancel();
    await t.upstreamSees(POISON, 'S');
    t.upstream(asPostgresFails(), say.ready('E'));
    await t.clientGets('E 57014 canceling statement due to user request', 'Z E');
  });

  test.each([
    ['negative', Buffer.from([0x44, 0xff, 0xff, 0xff, 0xff])],
    ['below 4', Buffer.from([0x44, 0, 0, 0, 3])],
    ['an unknown type', Buffer.from([0x7f, 0, 0, 0, 4])],
  ])('trap-54-lengths-of-the-upstream: %s ends this session and nothing else', async (_name, bytes) => {
    t.client(query('select 1'));
    await t.upstreamSees('Q select 1');
    t.upstream(bytes);
    await t.clientGets('E XX000 internal error (err_1)', 'closed');
    expect(t.session.closed).toBe(true);
  });
});
