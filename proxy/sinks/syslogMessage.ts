import type { LogRecord } from '../record/leaf';
import { gapLine, lineOf } from './line';
import type { Gap } from './sink';
import { type Severity, summaryOf } from './summary';

/** RFC 5424 table 1: log audit. */
const FACILITY = 13;
/** RFC 5424 table 2. */
const SEVERITIES = { critical: 2, warning: 4, notice: 5, info: 6 } as const satisfies Record<Severity, number>;
const BOM = '\ufeff';

export interface SyslogOrigin {
  /** Of this machine. */
  host: string;
  processId: number;
}

/**
 * One RFC 5424 message: APP-NAME gatehouse, MSGID the entry's type, MSG the line of JSON that the other sinks get, in UTF-8. Above `mostBytes`
 * (UDP) the summary and the index alone, marked so: the entry is in the record. Pure.
 */
export function syslogMessage(record: LogRecord, { host, processId }: SyslogOrigin, mostBytes = Number.POSITIVE_INFINITY): Buffer {
  const { type, atMs } = record.leaf.entry;
  const { text, severity } = summaryOf(record.leaf);
  const head = header(severity, typeof atMs === 'number' ? atMs : null, { host, processId, type });
  const whole = Buffer.from(`${head}${BOM}${lineOf(record)}`);
  if (whole.length <= mostBytes) return whole;
  return Buffer.from(`${head}${BOM}${JSON.stringify({ index: record.index, cut: true, summary: text.slice(0, 300) })}`);
}

/** Pure. */
export const syslogGap = (gap: Gap, origin: SyslogOrigin, atMs: number): Buffer =>
  Buffer.from(`${header('warning', atMs, { ...origin, type: 'gap' })}${BOM}${gapLine(gap)}`);

const header = (severity: Severity, atMs: number | null, { host, processId, type }: SyslogOrigin & { type: string }): string =>
  `<${FACILITY * 8 + SEVERITIES[severity]}>1 ${atMs === null ? '-' : new Date(atMs).toISOString()} ${printable(host, 255)} gatehouse ${processId} ${printable(type, 32)} - `;

/** PRINTUSASCII without spaces; NILVALUE where nothing is left. */
const printable = (text: string, most: number): string => text.replace(/[^\x21-\x7e]/g, '').slice(0, most) || '-';

/** Octet counting (RFC 6587 §3.4.1, RFC 5425 §4.3). Pure. */
export const counted = (message: Buffer): Buffer => Buffer.concat([Buffer.from(`${message.length} `), message]);
