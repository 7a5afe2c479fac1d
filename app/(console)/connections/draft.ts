import type { Action, ConnectionLimits, Durability, TlsMode, TlsNegotiation } from '../../../db/schema/shapes';
import type { ConnectionRow } from '../../data/types';
import { type CredentialForm, credentialForm, passwordOf, type SessionForm, sessionForm, sessionOf } from './credentialDraft';

const HOUR_MS = 3_600_000;

type LimitName = keyof ConnectionLimits;

/** The limits as the form shows them: `factor` is what one unit of the field is in the stored number. */
export const LIMITS: readonly { name: LimitName; label: string; hint?: string; factor: number }[] = [
  { name: 'maxSessions', label: 'Most sessions', factor: 1 },
  { name: 'maxRows', label: 'Most rows', hint: 'Of one result; it is cut there.', factor: 1 },
  { name: 'maxBytes', label: 'Largest result (KiB)', hint: 'It is cut there.', factor: 1_024 },
  { name: 'maxCost', label: 'Highest cost', hint: 'As EXPLAIN estimates it.', factor: 1 },
  { name: 'statementTimeoutMs', label: 'Statement timeout (s)', factor: 1_000 },
  { name: 'lockTimeoutMs', label: 'Lock timeout (s)', factor: 1_000 },
  { name: 'idleTimeoutMs', label: 'Idle timeout (s)', hint: 'Ends a session that sends nothing.', factor: 1_000 },
  { name: 'idleInTransactionTimeoutMs', label: 'Idle in transaction (s)', hint: 'Ends one that keeps a transaction open.', factor: 1_000 },
  { name: 'maxStatementBytes', label: 'Longest statement (KiB)', hint: '1024 when empty.', factor: 1_024 },
  { name: 'maxMessageBytes', label: 'Largest message (KiB)', hint: 'Parameters and COPY data.', factor: 1_024 },
];

/** What the form holds: text as it is typed; numbers become numbers on the way out. */
export interface ConnectionForm {
  name: string;
  host: string;
  port: string;
  database: string;
  username: string;
  credential: CredentialForm;
  session: SessionForm;
  tls: TlsMode;
  tlsNegotiation: TlsNegotiation;
  tlsCa: string;
  tlsCertificate: string;
  tlsKey: string;
  default: Action;
  opaque: Action;
  superuser: 'refuse' | 'allow';
  functionCall: 'refuse' | 'judge';
  limits: Record<LimitName, string>;
  /** Empty: as the gateway is set. */
  audit: '' | Durability;
  record: 'off' | 'masked';
  /** How access can be asked for; an empty duration means it cannot. */
  requestable: { groups: string[]; count: string; maxHours: string };
}

export function formOf(row: ConnectionRow | null): ConnectionForm {
  return {
    name: row?.name ?? '',
    host: row?.host ?? '',
    port: String(row?.port ?? 5432),
    database: row?.database ?? '',
    username: row?.username ?? '',
    credential: credentialForm(row),
    session: sessionForm(row),
    tls: row?.tls ?? 'prefer',
    tlsNegotiation: row?.tlsNegotiation ?? 'postgres',
    tlsCa: row?.tlsCa ?? '',
    tlsCertificate: row?.tlsCertificate ?? '',
    tlsKey: '',
    default: row?.default ?? 'allow',
    opaque: row?.opaque ?? 'hold',
    superuser: row?.superuser ?? 'refuse',
    functionCall: row?.functionCall ?? 'refuse',
    limits: shownLimits(row?.limits ?? {}),
    audit: row?.audit ?? '',
    record: row?.record.results ?? 'off',
    requestable: {
      groups: row?.requestable?.groups ?? [],
      count: String(row?.requestable?.count ?? 1),
      maxHours: row?.requestable == null ? '' : String(row.requestable.maxDurationMs / HOUR_MS),
    },
  };
}

/** The form as the API takes it. An untouched password or key is left out, which keeps the stored one; a key goes with its certificate. */
export function draftOf(form: ConnectionForm, row: ConnectionRow | null) {
  const { limits, audit, record, requestable, credential, session, port, tlsCa, tlsCertificate, tlsKey, ...rest } = form;
  const password = passwordOf(credential, row);
  const keepRows = row?.record.maxRows;
  return {
    ...rest,
    ...(row === null ? {} : { id: row.id }),
    ...(password === undefined ? {} : { password }),
    session: sessionOf(session),
    tlsCa: pem(tlsCa),
    tlsCertificate: pem(tlsCertificate),
    ...(tlsKey.trim() === '' ? {} : { tlsKey }),
    port: Number(port),
    limits: Object.fromEntries(
      LIMITS.flatMap(({ name, factor }) => (limits[name] === '' ? [] : [[name, Math.round(Number(limits[name]) * factor)]])),
    ) as ConnectionLimits,
    requestable:
      requestable.maxHours.trim() === ''
        ? null
        : {
            groups: requestable.groups,
            count: Number(requestable.count),
            maxDurationMs: Math.round(Number(requestable.maxHours) * HOUR_MS),
          },
    audit: audit === '' ? null : audit,
    record: record === 'off' ? { results: record } : { results: record, ...(keepRows === undefined ? {} : { maxRows: keepRows }) },
  };
}

function shownLimits(limits: ConnectionLimits): ConnectionForm['limits'] {
  const shown = LIMITS.map(({ name, factor }) => {
    const value = limits[name];
    return [name, value === undefined ? '' : String(value / factor)];
  });
  return Object.fromEntries(shown) as ConnectionForm['limits'];
}

/** An emptied field means none. */
const pem = (value: string) => (value.trim() === '' ? null : value);
