import { describe, expect, it } from 'vitest';
import type { RuleRow } from '../../data/types';
import { draftOf, formOf, matchText } from './form';

const rule: RuleRow = {
  id: 'rul_1',
  position: 0,
  name: 'office-hours',
  connections: ['shop'],
  groups: ['agents'],
  match: {
    statements: ['DELETE'],
    unbounded: true,
    boundedBy: 'index' as const,
    sql: 'x',
    hours: { from: '09:00', to: '17:00' },
    maxAffectedRows: 0,
  },
  action: 'hold',
  message: null,
  approval: { groups: ['dba'], count: 2, expiresInMs: 90_000, passkey: 'required', breakGlass: ['oncall'] },
  mode: 'observe',
  updatedAt: new Date(0),
};

describe('rule form', () => {
  it('gives back the rule it was made from', () => {
    const { position: _position, updatedAt: _updatedAt, ...kept } = rule;
    expect(draftOf(formOf(rule), rule)).toEqual(kept);
  });

  it('takes back what is not chosen any more', () => {
    expect(draftOf({ ...formOf(rule), passkey: false }, rule).approval).not.toHaveProperty('passkey');
  });

  it('asks nothing that was not given', () => {
    expect(draftOf({ ...formOf(null), name: ' a ', action: 'deny' }, null)).toEqual({
      name: 'a',
      connections: [],
      groups: [],
      match: {},
      action: 'deny',
      message: null,
      approval: null,
      mode: 'enforce',
    });
  });

  it('says what it matches', () => {
    expect(matchText(rule.match)).toBe(
      'DELETE · not bounded by an indexed column · text like /x/i · between 09:00 and 17:00 · changing more than 0 rows',
    );
  });
});
