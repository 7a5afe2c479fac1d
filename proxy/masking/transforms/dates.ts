import type { CellMask, CellOut } from '../cellOut';

export type DateType = 'date' | 'timestamp' | 'timestamptz';
export type Truncation = 'year' | 'month' | 'day';

const DAY_US = 86_400_000_000n;
const DAY_SECONDS = 86_400;
/** PostgreSQL counts days and microseconds from 2000-01-01 (src/include/datatype/timestamp.h). */
const EPOCH_2000 = daysFromCivil(2000, 1, 1);

/**
 * Only ISO output is understood; a client may set DateStyle to another, which has month and day in either order, and infinity has no year.
 */
const TEXT = /^(\d{4,7})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?)?( BC)?$/;

/** The day of a cell, counted from 2000-01-01; a moment with a time zone is taken in UTC, so that text and binary agree. Null when it has none. */
function readDay(bytes: Buffer, start: number, end: number, type: DateType, format: number): number | null {
  if (format === 0) return dayOf(bytes.toString('latin1', start, end), type);
  if (type === 'date') {
    const days = end - start === 4 ? bytes.readInt32BE(start) : INFINITE_DAY;
    return days === INFINITE_DAY || days === -INFINITE_DAY - 1 ? null : days;
  }
  if (end - start !== 8) return null;
  const micros = bytes.readBigInt64BE(start);
  if (micros === INFINITE_MICROS || micros === -INFINITE_MICROS - 1n) return null;
  return Number(micros / DAY_US) - (micros % DAY_US < 0n ? 1 : 0);
}

const INFINITE_DAY = 2_147_483_647;
const INFINITE_MICROS = 2n ** 63n - 1n;

/** The same of a text in ISO form; a timestamp may be a date alone. */
export function dayOf(text: string, type: DateType): number | null {
  const match = TEXT.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second, sign, zoneHour, zoneMinute, zoneSecond, era] = match;
  if (type === 'date' && hour !== undefined) return null;
  if (type === 'timestamp' && sign !== undefined) return null;
  const civilYear = era === undefined ? Number(year) : 1 - Number(year);
  const [m, d] = [Number(month), Number(day)];
  if (m < 1 || m > 12 || d < 1 || d > daysInMonth(civilYear, m)) return null;
  const days = daysFromCivil(civilYear, m, d) - EPOCH_2000;
  if (sign === undefined) return days;
  const offset = seconds(zoneHour, zoneMinute, zoneSecond) * (sign === '-' ? -1 : 1);
  return days + Math.floor((seconds(hour, minute, second) - offset) / DAY_SECONDS);
}

const seconds = (hour: string | undefined, minute: string | undefined, second: string | undefined): number =>
  Number(hour ?? 0) * 3_600 + Number(minute ?? 0) * 60 + Number(second ?? 0);

/** Appends the beginning of a day, counted from 2000-01-01, in the column's format; false when PostgreSQL's own range ends before it. */
export function writeDay(days: number, type: DateType, format: number, out: CellOut): boolean {
  if (days < FIRST_DAY || days > (type === 'date' ? LAST_DATE : LAST_TIMESTAMP)) return false;
  if (format === 1) {
    if (type === 'date') out.int32(days);
    else {
      out.reserve(8);
      out.length = out.bytes.writeBigInt64BE(BigInt(days) * DAY_US, out.length);
    }
    return true;
  }
  const { year, month, day } = civilFromDays(days + EPOCH_2000);
  const shown = year > 0 ? year : 1 - year;
  const time = type === 'date' ? '' : type === 'timestamp' ? ' 00:00:00' : ' 00:00:00+00';
  out.text(`${pad(shown, 4)}-${pad(month, 2)}-${pad(day, 2)}${time}${year > 0 ? '' : ' BC'}`);
  return true;
}

/** Appends a time of day, `HH:MM` or `HH:MM:SS`, in the column's format: in binary, microseconds since midnight. */
export function writeTime(value: string, format: number, out: CellOut): boolean {
  const match = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(value);
  if (match === null) return false;
  if (format === 0) out.text(value);
  else {
    out.reserve(8);
    out.length = out.bytes.writeBigInt64BE(BigInt(seconds(match[1], match[2], match[3])) * 1_000_000n, out.length);
  }
  return true;
}

const pad = (value: number, width: number): string => String(value).padStart(width, '0');

/** -4713-11-24 (4714 BC), 5874897-12-31, 294276-12-31. */
const FIRST_DAY = daysFromCivil(-4713, 11, 24) - EPOCH_2000;
const LAST_DATE = daysFromCivil(5_874_897, 12, 31) - EPOCH_2000;
const LAST_TIMESTAMP = daysFromCivil(294_276, 12, 31) - EPOCH_2000;

export function dateMask(truncate: Truncation, type: DateType, format: number): CellMask {
  return (bytes, start, end, out) => {
    const days = readDay(bytes, start, end, type, format);
    if (days === null) return false;
    if (truncate === 'day') return writeDay(days, type, format, out);
    const { year, month } = civilFromDays(days + EPOCH_2000);
    return writeDay(daysFromCivil(year, truncate === 'year' ? 1 : month, 1) - EPOCH_2000, type, format, out);
  };
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar, which PostgreSQL uses; year 0 is 1 BC. By eras of 400 years from March. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468;
}

function civilFromDays(days: number): { year: number; month: number; day: number } {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = fromMarch + (fromMarch < 10 ? 3 : -9);
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1,
  };
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
