import { expect, test } from 'vitest';
import { EVENT_KINDS, type EventKind } from '../../db/schema/notificationShapes';
import { composeMessage, type StoredEvent, type Subject } from './message';

const CONSOLE = 'https://gatehouse.example.com';
const at = new Date(Date.UTC(2026, 10, 25, 23));
const event = (kind: EventKind, subject: string, facts: StoredEvent['facts'] = {}): StoredEvent => ({
  ...{ eventId: 'evt_1', event: kind, subject, connection: 'shop', facts, at },
});
const statement: Subject = {
  is: 'statement',
  row: {
    ...{ kind: 'DELETE', connectionName: 'shop', principalName: 'support-bot', ownerName: 'ana', rule: 'r', why: 'DELETE is reviewed' },
    ...{ effects: ['delete'], relations: [{ name: 'public.orders', access: 'write' }], unbounded: true, required: 2 },
    ...{
      reviewerGroups: ['dba', 'sec'],
      passkey: false,
      requesterReason: 'INC-42',
      expiresAt: at,
      shown: 'DELETE FROM orders',
      isText: false,
    },
  },
};
const lines = (message: ReturnType<typeof composeMessage>) => Object.fromEntries(message.lines.map(({ label, value }) => [label, value]));

test('a held statement says who, where, what, why and who decides', () => {
  const message = composeMessage(event('request.filed', 'req_1'), statement, CONSOLE);
  expect(message).toMatchObject({
    title: 'support-bot for ana asks to run DELETE on shop',
    link: `${CONSOLE}/approvals/req_1`,
    decidable: ['approve', 'reject'],
    sql: 'DELETE FROM orders',
  });
  expect(lines(message)).toEqual({
    'Requested by': 'support-bot for ana',
    Connection: 'shop',
    Statement: 'DELETE, nothing bounds the rows it changes',
    Touches: 'public.orders (write)',
    'Held by': 'r: DELETE is reviewed',
    Reviewers: 'dba or sec',
    Reason: 'INC-42',
  });
});

test('a grant and a break-glass say by whom and why, and lead to what they are about', () => {
  const facts = { principal: 'support-bot', owner: 'ana', by: 'bo', rule: 'review-deletes', reason: 'outage' };
  const grant = composeMessage(event('grant.made', 'gnt_1', { ...facts, requestId: 'req_1' }), { is: 'other' }, CONSOLE);
  expect(grant).toMatchObject({ link: `${CONSOLE}/approvals/req_1`, decidable: [], tone: 'alarm' });
  expect(lines(grant)).toMatchObject({ By: 'bo', Rule: 'review-deletes', Reason: 'outage' });
  const glass = composeMessage(event('breakGlass.used', 'stm_1', facts), { is: 'other' }, CONSOLE);
  expect(glass).toMatchObject({ link: `${CONSOLE}/audit/stm_1`, tone: 'alarm' });
  expect(glass.title).toMatch(/^BREAK-GLASS used by bo: support-bot for ana/);
});

test.each(EVENT_KINDS)('%s has a title, and only what waits can be decided', (kind) => {
  const message = composeMessage(event(kind, 'req_1'), statement, CONSOLE);
  expect(message.title).toContain('support-bot for ana');
  expect(message.decidable).toEqual(/\.(filed|requested|progress)$/.test(kind) ? ['approve', 'reject'] : []);
});

test('what asks for a passkey can only be rejected outside the console, and says so', () => {
  const asking: Subject = { is: 'statement', row: { ...statement.row, passkey: true } };
  const message = composeMessage(event('request.progress', 'req_1', { approvals: 1, required: 2 }), asking, CONSOLE);
  expect(message.decidable).toEqual(['reject']);
  expect(lines(message).Approved).toBe('in Gatehouse, with a passkey');
  expect(composeMessage(event('request.executed', 'req_1'), asking, CONSOLE).decidable).toEqual([]);
});

test('what people wrote is one line of bounded length, and its hidden characters are shown', () => {
  const row = { ...statement.row, requesterReason: `a\n\u202eb\u0000${'x'.repeat(900)}` };
  const message = composeMessage(event('request.filed', 'req_1'), { is: 'statement', row }, CONSOLE);
  expect(lines(message).Reason).toMatch(/^a \\u\{202e\}b\\u\{0\}x+…$/);
  expect(lines(message).Reason?.length).toBe(500);
});
