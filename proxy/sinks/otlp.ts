import type { LogReader, LogRecord } from '../record/leaf';
import { otlpLogs, otlpTraces, type StatementLeaf, spanOf } from './otlpEncode';
import { postBatch } from './post';
import { type Sink, SinkError } from './sink';

/** Statements without an outcome that are remembered for their spans; a span of one that is not says what its outcome knows. */
const MOST_OPEN = 50_000;
/** After a start so many entries before the cursor are looked through for statements that were still running. */
const WARM_ENTRIES = 20_000;
/** What becomes of a statement that never ran. */
const NEVER_RAN: ReadonlySet<unknown> = new Set(['denied']);
/** Not the end of it. */
const GOING_ON: ReadonlySet<unknown> = new Set(['running', 'held']);

/** Logs and traces over OTLP/HTTP in JSON: an entry is a log record, a statement with its outcome a span. */
export function createOtlp(options: {
  url: string;
  headers: Record<string, string>;
  signals: readonly ('logs' | 'traces')[];
  node: string;
  log: Pick<LogReader, 'first' | 'read'>;
  now(): number;
}): Sink {
  const { url, headers, signals, node, log, now } = options;
  const base = url.replace(/\/+$/, '');
  let running: Map<string, StatementLeaf> | null = null;
  /** Of a batch whose logs were taken and whose spans were not, the logs are not sent again. */
  let logsTakenTo = -1;

  return {
    batch: 500,
    async send(records, gap, signal) {
      running ??= warm(log, records[0]?.index ?? 0);
      // Spans are made of a copy: a batch that is sent again must find what it found before.
      const after = new Map(running);
      const spans = spansOf(records, after);
      const fresh = records.filter(({ index }) => index > logsTakenTo);
      if (signals.includes('logs') && (fresh.length > 0 || gap !== null)) {
        await post(`${base}/v1/logs`, otlpLogs(fresh, gap, node, now()), signal);
        logsTakenTo = records.at(-1)?.index ?? logsTakenTo;
      }
      if (signals.includes('traces') && spans.length > 0) await post(`${base}/v1/traces`, otlpTraces(spans, node), signal);
      running = after;
    },
    close: () => Promise.resolve(),
  };

  async function post(to: string, body: object, signal: AbortSignal): Promise<void> {
    const answer = await postBatch(to, { headers, body: JSON.stringify(body), signal });
    const lost = rejectedOf(answer);
    // "The client MUST NOT retry" what was accepted in part.
    if (lost > 0) throw new SinkError(`accepted all but ${lost}`, 'partial', { lost });
  }
}

/** Moves `running` on over the records and gives the spans that ended in them. */
function spansOf(records: readonly LogRecord[], running: Map<string, StatementLeaf>): object[] {
  const spans: object[] = [];
  for (const { leaf } of records) {
    const { entry } = leaf;
    const id = typeof entry.id === 'string' ? entry.id : '';
    if (entry.type === 'statement') {
      if (NEVER_RAN.has(entry.status)) spans.push(spanOf(entry, entry));
      else running.set(id, entry);
      const oldest = running.keys().next().value;
      if (running.size > MOST_OPEN && oldest !== undefined) running.delete(oldest);
    } else if (entry.type === 'outcome' && !GOING_ON.has(entry.status)) {
      const statement = running.get(id);
      // A later rollback of what has ended is no second span.
      if (statement === undefined && entry.durationMs === undefined) continue;
      running.delete(id);
      spans.push(spanOf(statement ?? null, entry));
    }
  }
  return spans;
}

function warm(log: Pick<LogReader, 'first' | 'read'>, before: number): Map<string, StatementLeaf> {
  const running = new Map<string, StatementLeaf>();
  for (let at = Math.max(log.first, before - WARM_ENTRIES); at < before; ) {
    const records = log.read(at, Math.min(1_000, before - at));
    if (records.length === 0) break;
    spansOf(records, running);
    at += records.length;
  }
  return running;
}

function rejectedOf(answer: string): number {
  try {
    const parsed: unknown = JSON.parse(answer);
    const partial: unknown = typeof parsed === 'object' && parsed !== null && 'partialSuccess' in parsed ? parsed.partialSuccess : null;
    if (typeof partial !== 'object' || partial === null) return 0;
    const count = Number(
      'rejectedLogRecords' in partial ? partial.rejectedLogRecords : 'rejectedSpans' in partial ? partial.rejectedSpans : 0,
    );
    return Number.isSafeInteger(count) ? count : 0;
  } catch {
    return 0;
  }
}
