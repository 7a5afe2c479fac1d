import { describe, expect, it } from 'vitest';
import type { MaskSpec } from '../../../db/schema/shapes';
import type { MaskingRow } from '../../data/types';
import { draftOf, formForColumn, formOf, masksFor } from './form';

const MASKS: MaskSpec[] = [
  { type: 'redact' },
  { type: 'null' },
  { type: 'partial', keepLast: 4 },
  { type: 'partial', keepFirst: 2 },
  { type: 'hash' },
  { type: 'email' },
  { type: 'date', truncate: 'month' },
  { type: 'number', bucket: 10 },
  { type: 'constant', value: 'x' },
];

describe('masking form', () => {
  it.each(MASKS)('gives back $type', (mask) => {
    const row: MaskingRow = {
      id: 'msk_1',
      position: 0,
      name: 'a',
      connections: ['shop'],
      columns: ['public.t.c'],
      detect: ['ssn'],
      mask,
      inference: 'closed',
      exceptGroups: ['g'],
      mode: 'off',
      updatedAt: new Date(0),
    };
    const { position: _position, updatedAt: _updatedAt, ...kept } = row;
    expect(draftOf(formOf(row), row)).toEqual(kept);
  });

  it('offers only masks that keep the type', () => {
    expect(masksFor('character varying(20)')).toContain('redact');
    expect(masksFor('uuid')).toEqual(['hash', 'constant', 'null']);
    expect(masksFor('money')).toEqual(['null']);
    expect(masksFor('timestamp with time zone')).toEqual(['date', 'constant', 'null']);
    expect(formForColumn('shop', 'public.customers.born', 'date')).toMatchObject({
      type: 'date',
      columns: ['public.customers.born'],
      name: 'mask-customers-born',
    });
  });
});
