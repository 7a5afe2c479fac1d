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
  clientAddress: '10.0.0.1:5',
  ...change,
});
/** As of a leaf that is read whole. */
const parts = (change?: Record<string, unknown>) => ({ what: entry(change), how: entry(change) });

describe('forms and sources of a batch', () => {
  test('what is said alike is one object', () => {
    const alike = new Alike('a');
    expect(alike.formOf(parts())).toBe(alike.formOf(parts({ principalName: 'bo' })));
    expect(alike.originOf(entry()).source).toBe(alike.originOf(entry({ clientAddress: '10.0.0.1:6' })).source);
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
    expect(alike.formOf(parts(change))).not.toBe(alike.formOf(parts()));
    expect(alike.formOf(parts(change))).toEqual(new Alike('b').formOf(parts(change)));
  });

  test.each([{ principalName: 'bo' }, { ownerName: 'cy' }, { connectionName: 'x' }, { applicationName: '' }])(
    'a source of its own: %j',
    (change) => {
      const alike = new Alike('a');
      expect(alike.originOf(entry(change)).source).not.toBe(alike.originOf(entry()).source);
      expect(alike.originOf(entry(change)).source).toEqual(new Alike('a').originOf(entry(change)).source);
    },
  );

  test('another host is another source', () => {
    const alike = new Alike('a');
    expect(alike.originOf(entry({ clientAddress: '10.0.0.2:5' })).source).toEqual({
      ...alike.originOf(entry()).source,
      clientHost: '10.0.0.2',
    });
  });

  test('of one shape there may be more than are compared: each is still its own', () => {
    const alike = new Alike('a');
    for (let at = 0; at < 50; at++) expect(alike.formOf(parts({ touchedColumns: [`c${at}`] })).columns).toEqual([`c${at}`]);
    for (let at = 0; at < 50; at++)
      expect(alike.originOf(entry({ clientAddress: `10.0.0.${at}:5` })).source.clientHost).toBe(`10.0.0.${at}`);
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
