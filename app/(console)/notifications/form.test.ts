import { expect, test } from 'vitest';
import type { ChannelRow } from '../../data/types';
import { draftOf, formOf } from './form';

const row: ChannelRow = {
  id: 'ntc_1',
  name: 'mail',
  kind: 'email',
  config: { kind: 'email', host: 'smtp', port: 25, security: 'tls', username: 'gh', from: 'a@example.com', to: ['b@example.com'] },
  events: ['request.filed'],
  connections: ['shop'],
  groups: ['dba'],
  includeSql: true,
  disabledAt: null,
  disabledWhy: null,
  updatedAt: new Date(0),
  pending: 0,
  dead: 0,
  lastDeliveredAt: null,
};

test('an untouched form says what is stored, and gives no secret', () => {
  expect(draftOf(formOf(row), row)).toEqual({
    id: 'ntc_1',
    name: 'mail',
    target: { kind: 'email', host: 'smtp', port: 25, security: 'tls', username: 'gh', from: 'a@example.com', to: ['b@example.com'] },
    events: ['request.filed'],
    connections: ['shop'],
    groups: ['dba'],
    includeSql: true,
  });
});

test('what is typed for another kind of channel does not travel', () => {
  const form = { ...formOf(null), name: 'x', url: 'https://a.example.com', botToken: 'xoxb-1', password: 'p' };
  expect(draftOf(form, null).target).toEqual({ kind: 'webhook', url: 'https://a.example.com' });
  expect(draftOf({ ...form, kind: 'slack', slackChannel: 'C1' }, null).target).toEqual({
    kind: 'slack',
    channel: 'C1',
    botToken: 'xoxb-1',
  });
  expect(draftOf({ ...form, kind: 'teams' }, null).target).toEqual({ kind: 'teams' });
});
