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
