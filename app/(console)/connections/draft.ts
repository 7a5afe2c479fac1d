import type { Action, TlsMode, TlsNegotiation } from '../../../db/schema/shapes';
import type { ConnectionRow } from '../../data/types';

/** What the form holds: text as it is typed; numbers become numbers on the way out. */
export interface ConnectionForm {
  name: string;
  host: string;
  port: string;
  database: string;
  username: string;
  password: string;
  tls: TlsMode;
  tlsNegotiation: TlsNegotiation;
  tlsCa: string;
  tlsCertificate: string;
  tlsKey: string;
  default: Action;
  opaque: Action;
  superuser: 'refuse' | 'allow';
  maxRows: string;
  statementTimeoutS: string;
  maxSessions: string;
  record: 'off' | 'masked';
}

export function formOf(row: ConnectionRow | null): ConnectionForm {
  return {
    name: row?.name ?? '',
    host: row?.host ?? '',
    port: String(row?.port ?? 5432),
    database: row?.database ?? '',
    username: row?.username ?? '',
    password: '',
    tls: row?.tls ?? 'prefer',
    tlsNegotiation: row?.tlsNegotiation ?? 'postgres',
    tlsCa: row?.tlsCa ?? '',
    tlsCertificate: row?.tlsCertificate ?? '',
    tlsKey: '',
    default: row?.default ?? 'allow',
    opaque: row?.opaque ?? 'hold',
    superuser: row?.superuser ?? 'refuse',
    maxRows: text(row?.limits.maxRows),
    statementTimeoutS: row?.limits.statementTimeoutMs === undefined ? '' : String(row.limits.statementTimeoutMs / 1000),
    maxSessions: text(row?.limits.maxSessions),
    record: row?.record.results ?? 'off',
  };
}

/** The form as the API takes it. An untouched password or key is left out, which keeps the stored one; a key goes with its certificate. */
export function draftOf(form: ConnectionForm, row: ConnectionRow | null) {
  const { maxRows, statementTimeoutS, maxSessions, record, password, port, tlsCa, tlsCertificate, tlsKey, ...rest } = form;
  const keepRows = row?.record.maxRows;
  return {
    ...rest,
    ...(row === null ? {} : { id: row.id }),
    ...(password === '' ? {} : { password }),
    tlsCa: pem(tlsCa),
    tlsCertificate: pem(tlsCertificate),
    ...(tlsKey.trim() === '' ? {} : { tlsKey }),
    port: Number(port),
    limits: {
      ...(maxRows === '' ? {} : { maxRows: Number(maxRows) }),
      ...(statementTimeoutS === '' ? {} : { statementTimeoutMs: Math.round(Number(statementTimeoutS) * 1000) }),
      ...(maxSessions === '' ? {} : { maxSessions: Number(maxSessions) }),
    },
    record: record === 'off' ? { results: record } : { results: record, ...(keepRows === undefined ? {} : { maxRows: keepRows }) },
  };
}

/** An emptied field means none. */
const pem = (value: string) => (value.trim() === '' ? null : value);

const text = (value: number | undefined) => (value === undefined ? '' : String(value));
