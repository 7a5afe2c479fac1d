import type { MaskSpec } from '../../../db/schema/shapes';
import type { MaskingDraft, MaskingRow } from '../../data/types';

export interface MaskingForm {
  name: string;
  connections: string[];
  columns: string[];
  detect: MaskingRow['detect'];
  type: MaskSpec['type'];
  keepFirst: string;
  keepLast: string;
  truncate: 'year' | 'month' | 'day';
  round: string;
  bucket: string;
  value: string;
  inference: MaskingRow['inference'];
  exceptGroups: string[];
  mode: MaskingRow['mode'];
}

export function formOf(row: MaskingRow | null): MaskingForm {
  const mask: MaskSpec = row?.mask ?? { type: 'redact' };
  return {
    name: row?.name ?? '',
    connections: row?.connections ?? [],
    columns: row?.columns ?? [],
    detect: row?.detect ?? [],
    type: mask.type,
    keepFirst: mask.type === 'partial' ? text(mask.keepFirst) : '',
    keepLast: mask.type === 'partial' ? text(mask.keepLast) : '4',
    truncate: mask.type === 'date' ? mask.truncate : 'year',
    round: mask.type === 'number' ? text(mask.round) : '',
    bucket: mask.type === 'number' ? text(mask.bucket) : '',
    value: mask.type === 'constant' ? mask.value : '',
    inference: row?.inference ?? 'guarded',
    exceptGroups: row?.exceptGroups ?? [],
    mode: row?.mode ?? 'enforce',
  };
}

/** A new rule for one column, with a mask that its type can carry. */
export function formForColumn(connection: string, column: string, type: string): MaskingForm {
  const mask = masksFor(type)[0] ?? 'redact';
  return {
    ...formOf(null),
    name: `mask-${column.split('.').slice(1).join('-')}`.replace(/[^\w.@-]/g, '-'),
    connections: [connection],
    columns: [column],
    type: mask,
    // The API asks for one of round and bucket; ten is a step that hides a single value in most ranges.
    ...(mask === 'number' ? { bucket: '10' } : {}),
  };
}

/** Masks that leave a value of this type, best first: a uuid cannot become `***`. */
export function masksFor(type: string): MaskSpec['type'][] {
  const base = type
    .replace(/\(.*\)|\[\]$/g, '')
    .trim()
    .toLowerCase();
  if (/^(text|character varying|varchar|character|bpchar|citext|name)$/.test(base))
    return ['redact', 'partial', 'hash', 'email', 'constant', 'null'];
  if (/^jsonb?$/.test(base)) return ['redact', 'hash', 'constant', 'null'];
  if (/^(char|xml)$/.test(base)) return ['redact', 'constant', 'null'];
  if (/^(uuid|bytea)$/.test(base)) return ['hash', 'constant', 'null'];
  if (/^(date|timestamp|timestamptz|timestamp with(out)? time zone)$/.test(base)) return ['date', 'constant', 'null'];
  if (/^(smallint|integer|bigint|numeric|int2|int4|int8|oid)$/.test(base)) return ['number', 'hash', 'constant', 'null'];
  if (/^(real|double precision|float4|float8)$/.test(base)) return ['number', 'constant', 'null'];
  if (/^(bool|boolean|time|time without time zone|inet|macaddr)$/.test(base)) return ['null', 'constant'];
  return ['null'];
}

export function draftOf(form: MaskingForm, row: MaskingRow | null): MaskingDraft {
  return {
    ...(row === null ? {} : { id: row.id }),
    name: form.name.trim(),
    connections: form.connections,
    columns: form.columns,
    detect: form.detect,
    mask: maskOf(form),
    inference: form.inference,
    exceptGroups: form.exceptGroups,
    mode: form.mode,
  };
}

function maskOf(form: MaskingForm): MaskSpec {
  const count = (key: 'keepFirst' | 'keepLast' | 'round' | 'bucket') => (form[key] === '' ? {} : { [key]: Number(form[key]) });
  switch (form.type) {
    case 'partial':
      return { type: 'partial', ...count('keepFirst'), ...count('keepLast') };
    case 'date':
      return { type: 'date', truncate: form.truncate };
    case 'number':
      return { type: 'number', ...count('round'), ...count('bucket') };
    case 'constant':
      return { type: 'constant', value: form.value };
    case 'redact':
    case 'null':
    case 'hash':
    case 'email':
      return { type: form.type };
    default:
      return form.type satisfies never;
  }
}

/** A mask in words, e.g. "keeps the last 4". */
export function maskText(mask: MaskSpec): string {
  switch (mask.type) {
    case 'redact':
      return 'replaced by ***';
    case 'null':
      return 'replaced by NULL';
    case 'hash':
      return 'replaced by a keyed hash';
    case 'email':
      return 'keeps the first letter and the domain';
    case 'constant':
      return `replaced by “${mask.value}”`;
    case 'partial':
      return [
        'keeps',
        mask.keepFirst ? `the first ${mask.keepFirst}` : '',
        mask.keepFirst && mask.keepLast ? 'and' : '',
        mask.keepLast ? `the last ${mask.keepLast}` : '',
      ]
        .filter(Boolean)
        .join(' ');
    case 'date':
      return `cut to the ${mask.truncate}`;
    case 'number':
      return mask.round === undefined ? `in steps of ${mask.bucket ?? 1}` : `rounded to ${mask.round}`;
    default:
      return mask satisfies never;
  }
}

const text = (value: number | undefined) => (value === undefined ? '' : String(value));
