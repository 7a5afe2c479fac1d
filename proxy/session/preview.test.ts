import { serialize } from 'pg-protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { say, type Transcript, transcript } from './transcript';

const { query, parse, bind, execute, sync } = serialize;
const asks = (what: string) => [`P ASK|${what}`, 'B ASK|ASK', 'C S ASK', 'E ASK', 'C P ASK'];
const HELD = 'N 00000 statement held for approval (req_1)';
const fails = () => say.error('26000', 'prepared statement "gatehouse refused x" does not exist');

let t: Transcript;
beforeEach(async () => {
  t = await transcript();
});
afterEach(() => t.close());

test('released above what was measured, it is rolled back and both figures are said', async () => {
  t.client(query('delete hold'));
  await t.clientGets(HELD);
  t.decide({ kind: 'approved', most: { preview: 5, max: 6 } });
  await t.upstreamSees(...asks('rows'), 'P |delete hold', 'B |', 'D P', 'E', ...asks('rows'), 'H');
  t.upstream(...say.answer('0'), say.parseComplete(), say.bindComplete(), say.noData(), say.complete('DELETE 7'), ...say.answer('7'));
  await t.upstreamSees('D S POISON', 'S');
  t.upstream(fails(), say.ready());
  await t.clientGets('E 42501 statement rolled back because it changed more than was approved (stm)', 'Z I');
  expect(t.received.join()).toContain('The preview was 5 rows, now it is 7. ');
});

test('within it, it stands; by the protocol of prepared statements too', async () => {
  t.client(parse({ text: 'delete hold' }), bind(), execute(), sync());
  await t.upstreamSees('P |delete hold', 'S');
  t.upstream(say.parseComplete(), say.ready());
  await t.clientGets('1', HELD);
  t.decide({ kind: 'approved', most: { preview: 5, max: 5 } });
  await t.upstreamSees('B |', ...asks('rows'), 'E', ...asks('rows'), 'H');
  t.upstream(say.bindComplete(), ...say.answer('10'), say.complete('DELETE 5'), ...say.answer('15'));
  await t.upstreamSees('S');
  t.upstream(say.ready());
  await t.clientGets('2', 'C DELETE 5', 'Z I');
});

test('a session that has set something is asked what, where that ends nothing', async () => {
  t.client(query('hold me'));
  await t.clientGets(HELD);
  expect(t.held[0]?.settings).toEqual({});
  t.session.cancel();
  await t.clientGets('E 57014 canceling statement due to user request', 'Z I');
  t.client(query('set x'));
  await t.upstreamSees('Q set x');
  t.upstream(say.complete('SET'), say.ready());
  await t.clientGets('C SET', 'Z I');
  t.client(query('hold me'));
  await t.upstreamSees(...asks('settings'), 'S');
  t.upstream(...say.answer('{"role":"app","settings":{"search_path":"other"}}'), say.ready());
  await t.clientGets(HELD);
  expect(t.held[1]?.settings).toEqual({ search_path: 'other' });
  t.session.cancel();
  await t.clientGets('E 57014 canceling statement due to user request', 'Z I');
  // Inside an implicit transaction the question's Sync would commit it.
  t.client(parse({ text: 'insert 1' }), bind(), execute(), parse({ text: 'hold me' }), bind(), execute(), sync());
  await t.upstreamSees('P |insert 1', 'B |', 'E', 'P |hold me', 'H');
  t.upstream(say.parseComplete(), say.bindComplete(), say.complete('INSERT 0 1'), say.parseComplete());
  await t.clientGets('1', '2', 'C INSERT 0 1', '1');
  await t.upstreamSees(...asks('place'), 'H');
  t.upstream(...say.answer('[]'));
  await t.clientGets(HELD);
  await t.upstreamSeesNothing();
  expect(t.held[2]?.settings).toBeNull();
});
