import { serialize } from 'pg-protocol';
import { describe, expect, test } from 'vitest';
import { WireError } from './errors';
import { decodeBind, decodeExecute, decodeParse, decodeTarget, decodeText } from './frontend';

describe('frontend messages', () => {
  test('decode what pg-protocol encodes', () => {
    expect(decodeText(serialize.query('select 1'))).toBe('select 1');
    expect(decodeParse(serialize.parse({ name: 'n', text: 'select $1', types: [25, 23] }))).toEqual({
      name: 'n',
      sql: 'select $1',
      parameterTypes: [25, 23],
    });
    const bind = decodeBind(serialize.bind({ portal: 'p', statement: 's', values: ['a', null], binary: true }));
    expect(bind).toMatchObject({ portal: 'p', statement: 's', resultFormats: [1] });
    expect(bind.parameters.map((value) => value?.toString() ?? null)).toEqual(['a', null]);
    expect(decodeTarget(serialize.describe({ type: 'S', name: 'x' }))).toEqual({ target: 'S', name: 'x' });
    expect(decodeExecute(serialize.execute({ portal: 'p', rows: 5 }))).toEqual({ portal: 'p', maxRows: 5 });
  });

  test('a NUL inside a statement does not hide what stands behind it', () => {
    expect(() => decodeText(serialize.query('select 1\0; drop table t'))).toThrow('longer than its fields');
  });

  test('invalid UTF-8 is refused as PostgreSQL refuses it', () => {
    const bytes = serialize.query('select xx');
    bytes[12] = 0xc3;
    bytes[13] = 0x28;
    try {
      decodeText(bytes);
      expect.unreachable();
    } catch (error) {
      expect(error instanceof WireError && error.fields.sqlstate).toBe('22021');
    }
  });

  test('65,535 parameters', () => {
    const values = Array.from({ length: 65_535 }, () => null);
    expect(decodeBind(serialize.bind({ values })).parameters.length).toBe(65_535);
  });

  test('a truncated message never reads past its end', () => {
    const bytes = serialize.bind({ portal: 'p', statement: 's', values: ['abc'] });
    for (let size = 5; size < bytes.length; size++) expect(() => decodeBind(bytes.subarray(0, size))).toThrow(WireError);
  });
});
