import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Alike, sameJson } from './alike';

const entry = (change: Record<string, unknown> = {}) => ({
  kind: 'SELECT',
  shape: 'SELECT ?',
  fingerprint: '0011223344556677',
  protocol: 'extended',
  relations: [{ name: 'public.customers', access: 'read' }],
  touchedColumns: ['public.customers.id'],
  effects: ['read'],
  unbounded: false,
  principalName: 'ana',
  ownerName: null,
  connectionName: 'shop',
  applicationName: 'psql',
  ...change,
});

describe('forms and sources of a batch', () => {
  test('what is said alike is one object', () => {
    const alike = new Alike('a');
    expect(alike.formOf(entry())).toBe(alike.formOf(entry({ principalName: 'bo' })));
    expect(alike.sourceOf(entry(), '::1')).toBe(alike.sourceOf(entry({ shape: 'SELECT ?, ?' }), '::1'));
  });

  test.each([
    { kind: 'UPDATE' },
    { shape: 'SELECT ?, ?' },
    { fingerprint: '' },
    { protocol: 'simple' },
    { relations: [{ name: 'public.customers', access: 'write' }] },
    { relations: [] },
    { relations: undefined },
    { touchedColumns: ['public.customers.id', 'public.customers.ssn'] },
    { effects: ['read', 'session'] },
    { unbounded: true },
    { unbounded: undefined },
  ])('a form of its own: %j', (change) => {
    const alike = new Alike('a');
    expect(alike.formOf(entry(change))).not.toBe(alike.formOf(entry()));
    expect(alike.formOf(entry(change))).toEqual(new Alike('b').formOf(entry(change)));
  });

  test.each([{ principalName: 'bo' }, { ownerName: 'cy' }, { connectionName: 'x' }, { applicationName: '' }])(
    'a source of its own: %j',
    (change) => {
      const alike = new Alike('a');
      expect(alike.sourceOf(entry(change), '::1')).not.toBe(alike.sourceOf(entry(), '::1'));
      expect(alike.sourceOf(entry(change), '::1')).toEqual(new Alike('a').sourceOf(entry(change), '::1'));
    },
  );

  test('another host is another source', () => {
    const alike = new Alike('a');
    expect(alike.sourceOf(entry(), '10.0.0.1')).toEqual({ ...alike.sourceOf(entry(), '::1'), clientHost: '10.0.0.1' });
  });

  test('of one shape there may be more than are compared: each is still its own', () => {
    const alike = new Alike('a');
    for (let at = 0; at < 50; at++) expect(alike.formOf(entry({ touchedColumns: [`c${at}`] })).columns).toEqual([`c${at}`]);
    for (let at = 0; at < 50; at++) expect(alike.sourceOf(entry(), `10.0.0.${at}`).clientHost).toBe(`10.0.0.${at}`);
  });
});

test('two values are the same where their JSON is', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      // What became -0 in between would be 0 in JSON.
      const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
      expect(sameJson(JSON.parse(left), JSON.parse(left))).toBe(true);
      expect(sameJson(JSON.parse(left), JSON.parse(right))).toBe(left === right);
    }),
  );
});
