import { serialize } from 'pg-protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { say, type Transcript, transcript } from './transcript';

const { parse, bind, execute, sync } = serialize;
const HELD = 'N 00000 statement held for approval (req_1)';

describe('a Bind larger than is held in memory', () => {
  let t: Transcript;
  beforeEach(async () => {
    t = await transcript();
  });
  afterEach(() => t.close());

  test('trap-55-bind-larger-than-held: a Bind larger than is held passes in pieces, its rest too when the server has failed meanwhile', async () => {
    t.limits = { ...t.limits, messageBytes: 10_000_000 };
    t.client(parse({ name: 's', text: 'select $1' }), sync());
    await t.upstreamSees('P s|select $1', 'S');
    t.upstream(say.parseComplete(), say.ready());
    await t.clientGets('1', 'Z I');
    const long = bind({ statement: 's', values: ['short', Buffer.alloc(2_000_000, 1), 'behind'] });
    t.client(long, execute(), sync());
    await t.upstreamSees('B |s', 'E', 'S');
    t.upstream(say.bindComplete(), say.complete('SELECT 1'), say.ready());
    await t.clientGets('2', 'C SELECT 1', 'Z I');
    expect(t.journal.find((entry) => entry.type === 'statement')).toMatchObject({
      parameters: [{ value: 'short' }, { truncated: true }, { value: '(not shown: it stands behind a large parameter)' }],
    });
  });

  test('trap-55-large-bind-person-must: a large Bind that a person must see is held whole', async () => {
    t.limits = { ...t.limits, messageBytes: 10_000_000 };
    t.client(
      parse({ name: 's', text: 'hold $1', types: [17, 25] }),
      bind({ statement: 's', values: [Buffer.alloc(2_000_000, 1), 'behind'] }),
      execute(),
      sync(),
    );
    await t.upstreamSees('P s|hold $1', 'S');
    t.upstream(say.parseComplete(), say.ready());
    await t.clientGets('1', HELD);
    await t.upstreamSeesNothing();
    t.decide({ kind: 'approved' });
    await t.upstreamSees('B |s', 'E', 'S');
    expect(t.journal[0]).toMatchObject({ parameters: [{ truncated: true }, { value: 'behind' }] });
  });

  test('trap-54-large-bind-turns-out: a large Bind that turns out malformed ends the session', async () => {
    t.limits = { ...t.limits, messageBytes: 10_000_000 };
    t.client(parse({ name: 's', text: 'select $1' }), sync());
    await t.upstreamSees('P s|select $1', 'S');
    t.upstream(say.parseComplete(), say.ready());
    await t.clientGets('1', 'Z I');
    const long = bind({ statement: 's', values: [Buffer.alloc(2_000_000, 1)] });
    long.writeInt16BE(7, long.length - 2);
    t.client(long);
    await t.clientGets('E 08P01 unsupported format code: 7', 'closed');
  });
});
