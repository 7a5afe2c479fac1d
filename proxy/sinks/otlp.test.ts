import { afterEach, describe, expect, test } from 'vitest';
import { type Answer, answering, type Received } from '../../db/notifications/standIns/http';
import { createOtlp } from './otlp';
import { otlpLogs, spanOf } from './otlpEncode';
import { growingLog, outcomeEntry, statementEntry } from './testing';

const signal = new AbortController().signal;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status: { code?: number };
  attributes: { key: string; value: Record<string, unknown> }[];
}
const valueAt = ({ attributes }: Pick<Span, 'attributes'>, key: string) => attributes.find((each) => each.key === key)?.value;

/** A collector that keeps what it took, and answers as told. */
async function collector(answer: (request: Received, count: number) => Answer = () => ({ status: 200, body: '{}' })) {
  const requests: { path: string; headers: Record<string, string>; body: string }[] = [];
  const server = await answering((request) => {
    const said = answer(request, requests.length);
    if (said.status === 200) requests.push(request);
    return said;
  });
  closing.push(() => server.close());
  const bodies = (path: string) =>
    requests.filter((each) => each.path === path).map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  return {
    url: server.url,
    requests,
    logs: () =>
      bodies('/v1/logs').flatMap(
        (body) => (body as { resourceLogs: { scopeLogs: { logRecords: Span[] }[] }[] }).resourceLogs[0]?.scopeLogs[0]?.logRecords ?? [],
      ),
    spans: () =>
      bodies('/v1/traces').flatMap(
        (body) => (body as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] }).resourceSpans[0]?.scopeSpans[0]?.spans ?? [],
      ),
  };
}
const sinkTo = (url: string, log: ReturnType<typeof growingLog>, signals: ('logs' | 'traces')[] = ['logs', 'traces']) =>
  createOtlp({ url, headers: { 'x-api-key': 'k' }, signals, node: 'here', log, now: () => 2_000_000 });

describe('encoding', () => {
  test('a span is as long as its statement, in nanoseconds, with what it was, who asked and how it ended', () => {
    const span = spanOf(
      statementEntry('stm_1', { transactionId: 'txn_1' }),
      outcomeEntry('stm_1', { maskedColumns: ['public.a.b'], reviewers: [{ name: 'bo', decision: 'approve' }] }),
    ) as Span;
    expect(span).toMatchObject({
      name: 'DELETE public.orders',
      kind: 3,
      startTimeUnixNano: '1000000500000',
      endTimeUnixNano: '1000020500000',
      status: {},
    });
    expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(span.spanId).toMatch(/^[0-9a-f]{16}$/);
    expect(valueAt(span, 'db.query.text')).toEqual({ stringValue: 'DELETE FROM orders WHERE id = ?' });
    expect(valueAt(span, 'db.response.returned_rows')).toEqual({ intValue: '3' });
    expect(valueAt(span, 'gatehouse.analysis_ms')).toEqual({ doubleValue: 0.25 });
    expect(valueAt(span, 'gatehouse.masked_columns')).toEqual({ arrayValue: { values: [{ stringValue: 'public.a.b' }] } });
    expect(valueAt(span, 'gatehouse.reviewers')).toEqual({ arrayValue: { values: [{ stringValue: 'bo (approve)' }] } });
    expect(valueAt(span, 'gatehouse.rule')).toBeUndefined();
  });
  test('statements of one transaction are of one trace, others are not', () => {
    const [a, b, c] = [
      statementEntry('stm_1', { transactionId: 'txn_1' }),
      statementEntry('stm_2', { transactionId: 'txn_1' }),
      statementEntry('stm_3'),
    ].map((entry) => spanOf(entry, outcomeEntry(entry.id)) as Span);
    expect(a?.traceId).toBe(b?.traceId);
    expect(a?.spanId).not.toBe(b?.spanId);
    expect(c?.traceId).not.toBe(a?.traceId);
  });
  test('what failed is an error, by its SQLSTATE', () => {
    const span = spanOf(statementEntry('stm_1'), outcomeEntry('stm_1', { status: 'failed', sqlstate: '23505' })) as Span;
    expect(span.status).toEqual({ code: 2, message: 'failed' });
    expect(valueAt(span, 'error.type')).toEqual({ stringValue: '23505' });
  });
  test('nothing of a value is in a log record: a leaf has none, and what is committed to is not sent', () => {
    const [record] = growingLog().grow([statementEntry('stm_1')]);
    if (record === undefined) throw new Error('no record');
    const committed = { ...record, leaf: { ...record.leaf, values: { sql: 'abc' } } };
    expect(JSON.stringify(otlpLogs([committed], null, 'here', 0))).not.toContain('abc');
  });
});

describe('sending', () => {
  test('logs and spans; a statement held, released and done is one span; a denied one has its own', async () => {
    const to = await collector();
    const log = growingLog();
    const sink = sinkTo(to.url, log);
    await sink.send(
      log.grow([
        statementEntry('stm_1', { status: 'held' }),
        outcomeEntry('stm_1', { status: 'running', durationMs: undefined }),
        statementEntry('stm_2', { status: 'denied', verdict: 'deny', sqlstate: '42501' }),
      ]),
      null,
      signal,
    );
    await sink.send(
      log.grow([outcomeEntry('stm_1', { waitMs: 500 }), outcomeEntry('stm_1', { status: 'rolledBack', durationMs: undefined })]),
      null,
      signal,
    );
    expect(to.logs()).toHaveLength(5);
    expect(to.spans().map((span) => [valueAt(span, 'gatehouse.statement.id')?.stringValue, span.status.code])).toEqual([
      ['stm_2', 2],
      ['stm_1', undefined],
    ]);
    expect(to.requests[0]?.headers['x-api-key']).toBe('k');
  });
  test('a sink that was started anew still knows what was running', async () => {
    const to = await collector();
    const log = growingLog();
    log.grow([statementEntry('stm_1')]);
    await sinkTo(to.url, log).send(log.grow([outcomeEntry('stm_1')]), null, signal);
    expect(to.spans()[0]?.name).toBe('DELETE public.orders');
  });
  test('where traces fail, logs are not sent a second time, and the spans come', async () => {
    let down = true;
    const to = await collector(({ path }) => (down && path === '/v1/traces' ? { status: 503 } : { status: 200, body: '{}' }));
    const log = growingLog();
    const sink = sinkTo(to.url, log);
    const first = log.grow([statementEntry('stm_1'), outcomeEntry('stm_1')]);
    await expect(sink.send(first, null, signal)).rejects.toThrow('answered 503');
    down = false;
    await sink.send([...first, ...log.grow([statementEntry('stm_2')])], null, signal);
    expect(to.logs()).toHaveLength(3);
    expect(to.spans()).toHaveLength(1);
  });
  test.each([
    ['logs', { rejectedLogRecords: '2', errorMessage: 'secret' }],
    ['traces', { rejectedSpans: 2 }],
  ] as const)('what is taken in part is said and not sent again: %s', async (kind, partialSuccess) => {
    const to = await collector(() => ({ status: 200, body: JSON.stringify({ partialSuccess }) }));
    const log = growingLog();
    const sent = sinkTo(to.url, log, [kind]).send(log.grow([statementEntry('stm_1'), outcomeEntry('stm_1')]), null, signal);
    await expect(sent).rejects.toMatchObject({ kind: 'partial', detail: { lost: 2 }, message: 'accepted all but 2' });
  });
  test.each([
    [{ status: 400 }, { kind: 'refused', message: 'refused with 400' }],
    [
      { status: 429, headers: { 'retry-after': '7' } },
      { kind: 'retry', detail: { askedMs: 7_000 } },
    ],
    [
      { status: 302, headers: { location: 'http://elsewhere' } },
      { kind: 'retry', message: 'answered with a redirect (302), which is not followed: give the final address' },
    ],
  ])('answers %j', async (answer, expected) => {
    const to = await collector(() => answer);
    const log = growingLog();
    await expect(sinkTo(to.url, log).send(log.grow([statementEntry('stm_1')]), null, signal)).rejects.toMatchObject(expected);
  });
});
