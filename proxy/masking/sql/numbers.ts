import type { IntegerType } from '../transforms/family';
import { canonicalDecimal, decimalOfNumber } from '../transforms/numeric';
import type { SqlColumn } from './maskExpression';

const op = (left: string, operator: string, right: string) => `${left} OPERATOR(pg_catalog.${operator}) ${right}`;
const numeric = (value: string) => `CAST(${value} AS pg_catalog."numeric")`;
const float = (value: string) => `CAST(${value} AS pg_catalog.float8)`;

/** Null for a type that is no number, and for steps with which the arithmetic of floats could fail. */
export function numberExpression(column: SqlColumn, step: number, bucket: boolean): string | null {
  switch (column.family.kind) {
    case 'integer':
      return integerExpression(column, column.family.type, step, bucket);
    case 'numeric':
      return numericExpression(column, step, bucket);
    case 'float':
      return step < 1e-9 || step > 1e15 ? null : floatExpression(column, column.family.size, step, bucket);
    default:
      return null;
  }
}

/** A multiple of the step, exactly: halves away from zero, or the one below. */
function coarse(value: string, step: string, bucket: boolean): string {
  const rest = `pg_catalog.mod(${value}, ${step})`;
  const towardsZero = `(${op(value, '-', rest)})`;
  if (bucket) return `CASE WHEN ${op(rest, '<', '0')} THEN ${op(towardsZero, '-', step)} ELSE ${towardsZero} END`;
  const away = op(towardsZero, '+', `(${op(`pg_catalog.sign(${value})`, '*', step)})`);
  return `CASE WHEN (${op(`pg_catalog.abs(${rest})`, '*', '2')}) OPERATOR(pg_catalog.<) ${step} THEN ${towardsZero} ELSE ${away} END`;
}

const BOUNDS: Readonly<Record<IntegerType, readonly [string, string]>> = {
  int2: ['-32768', '32767'],
  int4: ['-2147483648', '2147483647'],
  int8: ['-9223372036854775808', '9223372036854775807'],
  oid: ['0', '4294967295'],
};

function integerExpression({ sql, type }: SqlColumn, integer: IntegerType, step: number, bucket: boolean): string {
  const wide = integer === 'oid' ? `CAST(${sql} AS pg_catalog.int8)` : sql;
  const value = coarse(numeric(wide), numeric(`'${step}'`), bucket);
  const [least, most] = BOUNDS[integer];
  const within = `(${value}) OPERATOR(pg_catalog.>=) ${numeric(`'${least}'`)} AND (${value}) OPERATOR(pg_catalog.<=) ${numeric(`'${most}'`)}`;
  const narrow = integer === 'oid' ? `CAST(${value} AS pg_catalog.int8)` : value;
  return `CAST(CASE WHEN ${within} THEN ${narrow} END AS ${type})`;
}

/** Longer ones are NULL, as in ../transforms/numeric.ts. */
const MAX_DIGITS = 4_096;

function numericExpression({ sql, type }: SqlColumn, step: number, bucket: boolean): string | null {
  const decimal = decimalOfNumber(step);
  if (decimal === null) return null;
  const value = numeric(sql);
  const text = `CAST(${sql} AS pg_catalog.text)`;
  const plain = `${text} OPERATOR(pg_catalog.<>) ALL (CAST(ARRAY['NaN', 'Infinity', '-Infinity'] AS pg_catalog.text[]))`;
  const short = op(`pg_catalog.length(${text})`, '<=', String(MAX_DIGITS));
  const result = `pg_catalog.trunc(${coarse(value, numeric(`'${canonicalDecimal(decimal)}'`), bucket)}, ${decimal.scale})`;
  return `CAST(CASE WHEN ${plain} AND ${short} THEN ${result} END AS ${type})`;
}

/** The arithmetic of ../transforms/floats.ts, within bounds where PostgreSQL's has neither overflow nor underflow, which it makes errors of. */
function floatExpression({ sql, type }: SqlColumn, size: 4 | 8, step: number, bucket: boolean): string {
  // As text a real has its own digits; widened it would have those of the nearest double.
  const value = float(size === 4 ? `CAST(${sql} AS pg_catalog.text)` : sql);
  const parts = Math.round(1 / step);
  const divides = step < 1 && Math.abs(1 / step - parts) < 1e-9 * parts;
  const by = float(`'${divides ? parts : step}'`);
  const count = `(${op(value, divides ? '*' : '/', by)})`;
  const whole = bucket ? `pg_catalog.floor(${count})` : halfAway(count);
  const result = `(${op(whole, divides ? '/' : '*', by)})`;
  const [tiny, huge] = [`'1e-250'`, size === 4 ? `'1e38'` : `'1e290'`].map(float);
  const magnitude = `pg_catalog.abs(${value})`;
  const least = bucket ? `CASE WHEN ${op(value, '<', float(`'0'`))} THEN ${float(`'-${step}'`)} ELSE ${float(`'0'`)} END` : float(`'0'`);
  // Adding zero takes the sign off one.
  const cases = `WHEN ${op(magnitude, '<', tiny ?? '')} THEN ${least} WHEN ${op(magnitude, '<=', huge ?? '')} THEN ${op(result, '+', float(`'0'`))}`;
  return `CAST(CASE ${cases} END AS ${type})`;
}

function halfAway(count: string): string {
  const size = `pg_catalog.abs(${count})`;
  const whole = `pg_catalog.trunc(${size})`;
  const up = `CASE WHEN (${op(size, '-', whole)}) OPERATOR(pg_catalog.>=) ${float(`'0.5'`)} THEN ${float(`'1'`)} ELSE ${float(`'0'`)} END`;
  return `(${op(`pg_catalog.sign(${count})`, '*', `(${op(whole, '+', up)})`)})`;
}
