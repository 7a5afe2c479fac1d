import { expect, test } from 'vitest';
import { cursorText, readCursor, type Way } from './place';

const at = new Date('2026-11-27T08:00:00.123Z');

test.each(['from', 'after', 'before'] as Way[])('a cursor that goes %s a place is read as it was written', (way) => {
  for (const id of ['stm_01', '']) {
    const bearing = { way, place: { at, id }, before: 54_321 };
    expect(readCursor(cursorText(bearing))).toEqual(bearing);
  }
});

test.each([
  '',
  'after',
  'after~1~2026-11-27',
  'after~1~2026-13-27T08:00:00.000Z~stm_1',
  'beside~1~2026-11-27T08:00:00.000Z~stm_1',
  'after~-1~2026-11-27T08:00:00.000Z~stm_1',
  '2026-11-27T08:00:00.000Z~stm_1',
])('%j is none', (text) => expect(() => readCursor(text)).toThrow('cursor: not one of ours'));
