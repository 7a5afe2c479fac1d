import { describe, expect, it } from 'vitest';
import { isWithinHours } from './hours';

const at = (time: string) => new Date(`2026-07-01T${time}:00Z`);

describe('isWithinHours', () => {
  it.each([
    ['09:00', '17:00', '09:00', true],
    ['09:00', '17:00', '16:59', true],
    ['09:00', '17:00', '17:00', false],
    ['22:00', '06:00', '23:30', true],
    ['22:00', '06:00', '05:59', true],
    ['22:00', '06:00', '12:00', false],
    ['00:00', '00:00', '12:00', true],
    ['nine', '17:00', '20:00', true],
  ])('%s to %s holds %s: %s', (from, to, time, expected) => expect(isWithinHours({ from, to }, at(time))).toBe(expected));

  it('reads the clock of the time zone, daylight saving included', () => {
    expect(isWithinHours({ from: '09:00', to: '10:00', timeZone: 'Europe/Paris' }, at('07:30'))).toBe(true);
    expect(isWithinHours({ from: '09:00', to: '10:00', timeZone: 'Europe/Paris' }, new Date('2026-01-01T07:30:00Z'))).toBe(false);
    expect(isWithinHours({ from: '09:00', to: '10:00', timeZone: 'Mars/Olympus' }, at('20:00'))).toBe(true);
  });
});
