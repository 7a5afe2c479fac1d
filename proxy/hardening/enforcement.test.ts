import { describe, expect, test } from 'vitest';
import type { ConnectionPolicy, MaskingRule } from '../policy/types';
import { enforcementAtOpen, maskingDigest, standingOf } from './enforcement';

const rule = (change: Partial<MaskingRule> = {}): MaskingRule => ({
  ...{
    name: 'pii',
    connections: ['shop'],
    columns: ['public.people.ssn'],
    detect: [],
    mask: { type: 'partial', keepFirst: 1, keepLast: 4 },
  },
  ...{ inference: 'guarded', exceptGroups: [], mode: 'enforce' },
  ...change,
});
const where = { name: 'shop', host: 'db', port: 5432, database: 'shop', username: 'least' };
const proof = { state: 'database', maskingDigest: maskingDigest([rule()], where), catalogFingerprint: 'f1' } as const;
const connection = (change: object = {}) => ({ ...where, enforcement: proof, ...change }) as ConnectionPolicy;
const catalog = (change: object = {}) => ({ fingerprint: 'f1', user: { name: 'least', superuser: false, bypassRls: false }, ...change });

describe('a proof', () => {
  test.each<[string, Partial<MaskingRule>[], boolean]>([
    ['the same rule', [{}], true],
    ['the same mask written in another order', [{ mask: { keepLast: 4, keepFirst: 1, type: 'partial' } }], true],
    ['another name, other exempt groups, other inference', [{ name: 'x', exceptGroups: ['dba'], inference: 'closed' }], true],
    ['a rule for another connection beside it', [{}, { connections: ['crm'], columns: ['*.*.*'] }], true],
    ['a rule that only observes beside it', [{}, { mode: 'observe', columns: ['*.*.*'] }], true],
    ['a rule that only detects content beside it', [{}, { columns: [], detect: ['ssn'] }], true],
    ['another mask', [{ mask: { type: 'redact' } }], false],
    ['one column more', [{ columns: ['public.people.ssn', 'public.people.email'] }], false],
    ['a rule for all connections beside it', [{}, { connections: [], columns: ['*.*.phone'] }], false],
    ['a rule by pattern beside it', [{}, { connections: ['sh*'], columns: ['*.*.phone'] }], false],
    ['no rule', [], false],
  ])('%s', (_name, rules, holds) => {
    expect(standingOf(connection(), rules.map(rule), 'f1')).toBe(holds ? 'current' : 'outdated');
  });

  test.each(['host', 'port', 'database', 'username', 'name'])('another %s', (field) => {
    const rules = [rule({ connections: [] })];
    const made = { ...proof, maskingDigest: maskingDigest(rules, where) };
    expect(standingOf(connection({ enforcement: made }), rules, 'f1')).toBe('current');
    expect(standingOf(connection({ enforcement: made, [field]: field === 'port' ? 1 : 'other' }), rules, 'f1')).toBe('outdated');
  });

  test('the catalog: the same, another, not known; and none at all', () => {
    expect(standingOf(connection(), [rule()], 'f1')).toBe('current');
    expect(standingOf(connection(), [rule()], 'f2')).toBe('outdated');
    expect(standingOf(connection(), [rule()], null)).toBe('current');
    expect(standingOf(connection({ enforcement: null }), [rule()], 'f1')).toBe('never');
  });
});

describe('a session that opens', () => {
  test.each<[string, object, object, 'database' | 'gateway']>([
    ['proved and unchanged', {}, {}, 'database'],
    ['never proved', { enforcement: null }, {}, 'gateway'],
    ['proved, with something that could cross', { enforcement: { ...proof, state: 'except' } }, {}, 'gateway'],
    ['proved not to hold', { enforcement: { ...proof, state: 'gateway' } }, {}, 'gateway'],
    ['another catalog', {}, { fingerprint: 'f2' }, 'gateway'],
    ['a role that became superuser', {}, { user: { name: 'least', superuser: true, bypassRls: false } }, 'gateway'],
    ['a role that became BYPASSRLS', {}, { user: { name: 'least', superuser: false, bypassRls: true } }, 'gateway'],
  ])('%s', (_name, change, now, expected) => {
    expect(enforcementAtOpen(connection(change), [rule()], catalog(now))).toBe(expected);
  });
});
