import { serialize } from 'pg-protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DetectingRule } from '../masking/detect/rules';
import { Backend } from '../wire/messages';
import { MessageWriter } from '../wire/writer';
import { say, type Transcript, transcript } from './transcript';

const { query, parse, bind, execute, describe: describeMessage, sync } = serialize;
const CARD = '4111 1111 1111 1111';
const RULE: DetectingRule = { rule: 'anywhere', detectors: ['credit_card', 'email'], spec: { type: 'redact' }, mode: 'enforce' };

const notice = (words: string, detail: string) => {
  const writer = new MessageWriter().begin(Backend.noticeResponse);
  for (const [code, value] of [
    ['S', 'NOTICE'],
    ['C', '00000'],
    ['M', words],
    ['D', detail],
  ] as const)
    writer.int8(code.charCodeAt(0)).cstring(value);
  return writer.int8(0).end().take();
};
const notification = (payload: string) =>
  new MessageWriter().begin(Backend.notificationResponse).int32(1).cstring('news').cstring(payload).end().take();
const setting = (value: string) =>
  new MessageWriter().begin(Backend.parameterStatus).cstring('application_name').cstring(value).end().take();

describe.each([{ split: false }, { split: true }])('rules about content, split at every byte: $split', ({ split }) => {
  let t: Transcript;
  beforeEach(async () => {
    t = await transcript({ split });
    t.detecting = [RULE];
  });
  afterEach(() => t.close());

  test('a clean statement: hits are masked and counted, other cells leave as they came', async () => {
    t.client(query('select note'));
    await t.upstreamSees('Q select note');
    t.upstream(say.columns([0, 0], [1, 2]), say.row(`pay ${CARD}`, 'x'), say.row('nothing', 'a@b.co'), say.row('', ''));
    t.upstream(say.complete('SELECT 3'), say.ready());
    await t.clientGets('T', 'D pay ***,x', 'D nothing,***', 'D ,', 'C SELECT 3', 'Z I');
    expect(t.journal.at(-1)).toMatchObject({
      rows: 3,
      detected: [
        { rule: 'anywhere', detector: 'credit_card', mode: 'enforce', cells: 1 },
        { rule: 'anywhere', detector: 'email', mode: 'enforce', cells: 1 },
      ],
    });
    expect(JSON.stringify(t.journal)).not.toMatch(/4111|a@b/);
  });

  test('a column with a mask of its own keeps that one', async () => {
    t.client(query('select ssn, note'));
    await t.upstreamSees('Q select ssn, note');
    t.upstream(say.columns([1, 1], [1, 2]), say.row(CARD, CARD), say.complete('SELECT 1'), say.ready());
    await t.clientGets('T', 'D ***,***', 'C SELECT 1', 'Z I');
    expect(t.journal.at(-1)).toMatchObject({ maskedColumns: ['public.t.ssn'], detected: [{ detector: 'credit_card', cells: 1 }] });
  });

  test('a portal nobody described is described by the gateway; each run counts for itself', async () => {
    t.client(parse({ text: 'select note' }), bind(), execute({ rows: 1 }), execute(), sync());
    await t.upstreamSees('P |select note', 'B |', 'D P', 'E', 'E', 'S');
    t.upstream(say.parseComplete(), say.bindComplete(), say.columns([0, 0]), say.row(CARD), say.suspended());
    t.upstream(say.row(CARD), say.row('x'), say.complete('SELECT 2'), say.ready());
    await t.clientGets('1', '2', 'D ***', 's', 'D ***', 'D x', 'C SELECT 2', 'Z I');
    const counts = t.journal.flatMap((entry) => (entry.type === 'outcome' ? [entry.detected?.[0]?.cells] : []));
    expect(counts).toEqual([1, 1]);
  });

  test('one the client describes is described once', async () => {
    t.client(parse({ text: 'select note' }), bind(), describeMessage({ type: 'P' }), execute(), sync());
    await t.upstreamSees('P |select note', 'B |', 'D P', 'E', 'S');
    t.upstream(say.parseComplete(), say.bindComplete(), say.columns([0, 0]), say.row(CARD), say.complete('SELECT 1'), say.ready());
    await t.clientGets('1', '2', 'T', 'D ***', 'C SELECT 1', 'Z I');
  });

  test('a cursor executed as a portal', async () => {
    t.client(query('declare c'));
    await t.upstreamSees('Q declare c');
    t.upstream(say.complete('DECLARE CURSOR'), say.ready('T'));
    await t.clientGets('C DECLARE CURSOR', 'Z T');
    t.client(execute({ portal: 'c' }), sync());
    await t.upstreamSees('D P c', 'E c', 'S');
    t.upstream(say.columns([0, 0]), say.row(CARD), say.complete('FETCH 1'), say.ready('T'));
    await t.clientGets('D ***', 'C FETCH 1', 'Z T');
  });

  test('errors, notices, notifications and settings: their words are looked into too', async () => {
    t.client(query('select note'));
    await t.upstreamSees('Q select note');
    t.upstream(notice(`saw ${CARD}`, 'Write to a@b.co.'), notice('fine', 'nothing'), setting(`app ${CARD}`), setting('app'));
    t.upstream(notification('a@b.co'), notification('plain'));
    t.upstream(say.error('22P02', `invalid input syntax for type integer: "${CARD}"`, `Row (${CARD}).`), say.ready());
    await t.clientGets('N 00000 saw ***', 'N 00000 fine', 'S', 'A', 'A', 'E 22P02 invalid input syntax for type integer: "***"', 'Z I');
    expect(t.received.join('')).not.toMatch(/4111|a@b/);
  });

  test('observe shows the cell and counts it', async () => {
    t.detecting = [{ ...RULE, mode: 'observe' }];
    t.client(query('select note'));
    await t.upstreamSees('Q select note');
    t.upstream(notice(`saw ${CARD}`, ''), say.columns([0, 0]), say.row(CARD), say.complete('SELECT 1'), say.ready());
    await t.clientGets(`N 00000 saw ${CARD}`, 'T', `D ${CARD}`, 'C SELECT 1', 'Z I');
    expect(t.journal.at(-1)).toMatchObject({ detected: [{ rule: 'anywhere', detector: 'credit_card', mode: 'observe', cells: 1 }] });
  });
});
