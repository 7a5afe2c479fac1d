import { createHash } from 'node:crypto';
import type { Leaf, LogRecord } from '../record/leaf';
import { reviewersOf, reviewerText } from '../ship/read';
import type { Gap } from './sink';
import { type Severity, summaryOf } from './summary';

/** OTLP 1 in JSON (opentelemetry-proto, "JSON Protobuf Encoding"): 64-bit integers are strings, ids are hexadecimal, enums are numbers. */
type AnyValue =
  | { stringValue: string }
  | { intValue: string }
  | { doubleValue: number }
  | { boolValue: boolean }
  | { arrayValue: { values: AnyValue[] } };
interface KeyValue {
  key: string;
  value: AnyValue;
}

/** SeverityNumber of the logs data model. */
const SEVERITY = { info: 9, notice: 10, warning: 13, critical: 21 } as const satisfies Record<Severity, number>;
const SPAN_KIND_CLIENT = 3;
const STATUS_ERROR = 2;

export type StatementLeaf = Leaf['entry'];

/** The request for `/v1/logs`: one log record an entry. Pure. */
export function otlpLogs(records: readonly LogRecord[], gap: Gap | null, node: string, nowMs: number): object {
  const lines = records.map((record) => logRecord(record, nowMs));
  if (gap !== null) {
    const text = `entries ${gap.from} to ${gap.to - 1} were skipped: this receiver was away for longer than its disk budget reaches`;
    const attributes = attributesOf({ 'gatehouse.gap.from': gap.from, 'gatehouse.gap.to': gap.to });
    lines.unshift({
      ...stamp(null, nowMs),
      severityNumber: SEVERITY.warning,
      severityText: 'WARNING',
      body: { stringValue: text },
      attributes,
    });
  }
  return { resourceLogs: [{ resource: resourceOf(node), scopeLogs: [{ scope: { name: 'gatehouse.audit' }, logRecords: lines }] }] };
}

/** The request for `/v1/traces`. Pure. */
export const otlpTraces = (spans: readonly object[], node: string): object => ({
  resourceSpans: [{ resource: resourceOf(node), scopeSpans: [{ scope: { name: 'gatehouse.audit' }, spans }] }],
});

function logRecord({ index, leaf }: LogRecord, nowMs: number): Record<string, unknown> {
  const { entry } = leaf;
  const { text, severity } = summaryOf(leaf);
  const traced = entry.type === 'statement' ? idsOf(entry) : {};
  return {
    ...stamp(numberOf(entry.atMs), nowMs),
    severityNumber: SEVERITY[severity],
    severityText: severity.toUpperCase(),
    eventName: `gatehouse.${entry.type}`,
    body: { stringValue: text },
    attributes: attributesOf({
      'gatehouse.log.index': index,
      'gatehouse.node': leaf.node,
      ...(entry.type === 'statement' ? statementAttributes(entry) : Object.fromEntries(scalars(entry))),
    }),
    ...traced,
  };
}

/**
 * One span a statement, from when it was recorded to its outcome, by the conventions for PostgreSQL clients. Its trace is its transaction.
 * `statement` is null where only the outcome is known. Pure.
 */
export function spanOf(statement: StatementLeaf | null, outcome: StatementLeaf): object {
  const begun = statement ?? outcome;
  const durationMs = numberOf(outcome.durationMs) ?? 0;
  const waitMs = numberOf(outcome.waitMs) ?? 0;
  const endMs = numberOf(outcome.atMs);
  const startMs = numberOf(begun.atMs) ?? 0;
  const status = textOf(outcome.status);
  const sqlstate = textOf(outcome.sqlstate) || textOf(begun.sqlstate);
  const bad = status !== 'done';
  return {
    ...idsOf(begun),
    name: nameOf(begun),
    kind: SPAN_KIND_CLIENT,
    startTimeUnixNano: nanos(startMs),
    endTimeUnixNano: nanos(Math.max(startMs + durationMs + waitMs, begun === outcome ? 0 : (endMs ?? 0))),
    attributes: attributesOf({
      ...statementAttributes(begun),
      'gatehouse.statement.status': status,
      'gatehouse.wait_ms': waitMs,
      'gatehouse.upstream_ms': numberOf(outcome.upstreamMs),
      'gatehouse.masking_ms': numberOf(outcome.maskingMs),
      'gatehouse.masked_columns': listOf(outcome.maskedColumns),
      'gatehouse.reviewers': (reviewersOf(outcome.reviewers ?? begun.reviewers) ?? []).map(reviewerText),
      'db.response.returned_rows': numberOf(outcome.rows),
      'db.response.status_code': sqlstate,
      'error.type': bad ? sqlstate || status : '',
    }),
    status: bad ? { code: STATUS_ERROR, message: status } : {},
  };
}

function statementAttributes(entry: StatementLeaf): Record<string, unknown> {
  const tables = relationsOf(entry);
  return {
    'db.system.name': 'postgresql',
    'db.query.text': textOf(entry.shape),
    'db.operation.name': textOf(entry.kind),
    'db.collection.name': tables.length === 1 ? tables[0] : '',
    'user.name': textOf(entry.principalName),
    'client.address': textOf(entry.clientAddress),
    'gatehouse.connection': textOf(entry.connectionName),
    'gatehouse.owner': textOf(entry.ownerName),
    'gatehouse.application': textOf(entry.applicationName),
    'gatehouse.statement.id': textOf(entry.id),
    'gatehouse.session.id': textOf(entry.sessionId),
    'gatehouse.request.id': textOf(entry.requestId),
    'gatehouse.fingerprint': textOf(entry.fingerprint),
    'gatehouse.verdict': textOf(entry.verdict),
    'gatehouse.rule': textOf(entry.rule),
    'gatehouse.tables': tables,
    'gatehouse.analysis_ms': numberOf(entry.analysisMs),
  };
}

/** Low cardinality: the operation and its only table. */
function nameOf(entry: StatementLeaf): string {
  const tables = relationsOf(entry);
  const kind = textOf(entry.kind) || 'statement';
  return tables.length === 1 ? `${kind} ${tables[0]}` : kind;
}

const relationsOf = (entry: StatementLeaf): string[] =>
  Array.isArray(entry.relations)
    ? entry.relations.flatMap((use: unknown) => (typeof use === 'object' && use !== null && 'name' in use ? [textOf(use.name)] : []))
    : [];

/** 16 and 8 bytes, from ids that are unique: the same for every try and every receiver. */
export function idsOf(entry: StatementLeaf): { traceId: string; spanId: string } {
  const id = textOf(entry.id);
  return { traceId: digest(`trace ${textOf(entry.transactionId) || id}`, 16), spanId: digest(`span ${id}`, 8) };
}

const digest = (text: string, sizeBytes: number): string =>
  createHash('sha256')
    .update(text)
    .digest('hex')
    .slice(0, sizeBytes * 2);

const resourceOf = (node: string) => ({
  attributes: attributesOf({ 'service.name': 'gatehouse', 'service.instance.id': node }),
});

const stamp = (atMs: number | null, nowMs: number): Record<string, unknown> => ({
  timeUnixNano: nanos(atMs ?? nowMs),
  observedTimeUnixNano: nanos(nowMs),
});

/** Fractions of a millisecond are kept. */
const nanos = (ms: number): string => (BigInt(Math.trunc(ms)) * 1_000_000n + BigInt(Math.round((ms % 1) * 1e6))).toString();

/** What says something; empty texts, nulls and empty lists are left out. */
function attributesOf(values: Record<string, unknown>): KeyValue[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const encoded = anyValueOf(value);
    return encoded === null ? [] : [{ key, value: encoded }];
  });
}

function anyValueOf(value: unknown): AnyValue | null {
  if (typeof value === 'string') return value === '' ? null : { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (Array.isArray(value)) return value.length === 0 ? null : { arrayValue: { values: value.flatMap((each) => anyValueOf(each) ?? []) } };
  return null;
}

/** Fields of an entry that are no lists or objects of their own. */
const scalars = (entry: StatementLeaf): [string, unknown][] =>
  Object.entries(entry).flatMap(([key, value]): [string, unknown][] =>
    key === 'type' || key === 'atMs' || typeof value === 'object' ? [] : [[`gatehouse.${key}`, value]],
  );

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const numberOf = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);
const listOf = (value: unknown): string[] => (Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : []);
