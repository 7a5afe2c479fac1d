import { serialize } from 'pg-protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { say, type Transcript, transcript } from './transcript';

const { query, parse, bind, execute, sync } = serialize;
const HELD = 'N 00000 statement held for approval (req_1)';
const BROKEN = 'N 01000 statement runs without approval: break-glass (stm)';
const GRANT = { id: 'grt_1', requestId: 'req_0', reviewers: ['bo', 'cy'], expiresAt: null };

let t: Transcript;
afterEach(() => t.close());

describe('a grant', () => {
  test('lets a held statement run at once, and the record says by which', async () => {
    t = await transcript();
    t.grant = GRANT;
    t.client(query('hold me'));
    await t.upstreamSees('Q hold me');
    t.upstream(say.complete('HOLD'), say.ready());
    await t.clientGets('C HOLD', 'Z I');
    expect(t.held).toEqual([]);
    expect(t.journal[0]).toMatchObject({ verdict: 'allow', rule: 'hold-rule', grantId: 'grt_1', requestId: 'req_0', breakGlass: null });
    expect(t.journal[0]).toMatchObject({ why: 'grant grt_1 of bo and cy, for this session' });
    const reviewers = ['bo', 'cy'].map((name) => ({ name, decision: 'approve' }));
    expect(t.journal.map((entry) => entry.reviewers)).toEqual([reviewers, reviewers, reviewers]);
  });

  test('in a pipeline too', async () => {
    t = await transcript();
    t.grant = GRANT;
    t.client(parse({ text: 'hold me' }), bind(), execute(), sync());
    await t.upstreamSees('P |hold me', 'S');
    t.upstream(say.parseComplete(), say.ready());
    await t.upstreamSees('B |', 'E', 'S');
    expect(t.held).toEqual([]);
  });

  test('never covers a denial', async () => {
    t = await transcript();
    t.grant = GRANT;
    t.client(query('hold me; deny me'));
    await t.clientGets('E 42501 statement denied by rule "deny-rule" (stm)', 'Z I');
    await t.upstreamSeesNothing();
  });

  test('what is denied by the policy of now does not run for it', async () => {
    t = await transcript();
    t.grant = GRANT;
    let release = () => {};
    t.readCatalog = () => new Promise((resolve) => (release = resolve));
    t.client(query('hold me'));
    await t.upstreamSeesNothing();
    t.deniesHeld = true;
    release();
    await t.clientGets('E 42501 statement denied by rule "deny-rule" (stm)', 'Z I');
  });
});

describe('break-glass', () => {
  test('runs at once, loudly: announced first, a warning, a field of its own in the record', async () => {
    t = await transcript({ split: false, breakGlass: true });
    t.client(query('hold glass'));
    await t.clientGets(BROKEN);
    await t.upstreamSees('Q hold glass');
    expect(t.broken).toEqual(['INC-42']);
    expect(t.journal[0]).toMatchObject({ verdict: 'allow', rule: 'hold-rule', breakGlass: 'INC-42' });
    expect(t.journal[0]?.reviewers).toEqual([{ name: 'bot', decision: 'breakGlass' }]);
  });

  test('is not open under a rule that does not name the group: held like any other, and said so', async () => {
    t = await transcript({ split: false, breakGlass: true });
    t.client(query('hold glass; hold me'));
    await t.clientGets('N 00000 break-glass is not open to you under rule "hold-rule"', HELD);
    await t.upstreamSeesNothing();
    expect(t.broken).toEqual([]);
  });

  test('is not used by who did not ask for it', async () => {
    t = await transcript();
    t.client(query('hold glass'));
    await t.clientGets(HELD);
    expect(t.broken).toEqual([]);
  });

  test('what cannot be announced does not run', async () => {
    t = await transcript({ split: false, breakGlass: true });
    t.storeIsAway = true;
    t.client(query('hold glass'));
    await t.clientGets('E 58000 statement requires approval and the approval store is unreachable', 'Z I');
    await t.upstreamSeesNothing();
    expect(t.journal).toMatchObject([{ status: 'held' }, { status: 'denied' }]);
  });
});

describe('the record of a held statement names who decided', () => {
  const BO = [{ name: 'bo', decision: 'approve' as const }];

  test('before it runs, and in every run of its portal', async () => {
    t = await transcript();
    t.client(
      parse({ text: 'hold me' }),
      bind({ portal: 'p' }),
      execute({ portal: 'p', rows: 1 }),
      execute({ portal: 'p', rows: 1 }),
      sync(),
    );
    await t.upstreamSees('P |hold me', 'S');
    t.upstream(say.parseComplete(), say.ready());
    await t.clientGets('1', HELD);
    t.decide({ kind: 'approved' }, BO);
    await t.upstreamSees('B p|', 'E p', 'E p', 'S');
    const [held, released, again] = t.journal;
    expect(held).toMatchObject({ status: 'held' });
    expect(held?.reviewers).toBeUndefined();
    expect(released).toMatchObject({ type: 'outcome', status: 'running', requestId: 'req_1', reviewers: BO });
    expect(again).toMatchObject({ type: 'statement', status: 'running', requestId: 'req_1', reviewers: BO, runOf: held?.id });
  });

  test('where it was rejected, and where it expired with one approval of two', async () => {
    t = await transcript();
    const no = [...BO, { name: 'cy', decision: 'reject' as const }];
    t.client(query('hold me'));
    await t.clientGets(HELD);
    t.decide({ kind: 'rejected', reviewer: 'cy', reason: 'no' }, no);
    await t.clientGets('E 42501 statement rejected by reviewer (req_1)', 'Z I');
    expect(t.journal.at(-1)).toMatchObject({ status: 'rejected', requestId: 'req_1', reviewers: no });
    t.client(query('hold me'));
    await t.clientGets(HELD);
    t.decide({ kind: 'expired' }, BO);
    await t.clientGets('E 57014 canceling statement due to approval timeout (req_1)', 'Z I');
    expect(t.journal.at(-1)).toMatchObject({ status: 'expired', reviewers: BO });
  });
});
