import { LogDamagedError } from '../../proxy/record/readLog';
import { createValueOpener } from '../../proxy/record/valueKeys';
import { recordAction } from '../actions/record';
import { rangeOf } from '../audit/proof/range';
import { type ExportRange, exportLines } from '../audit/proof/write';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { openRecord } from './open';
import { exportSchema } from './shape';

export interface RecordExport {
  range: ExportRange;
  /** Closes the log when it ends or is returned from. */
  chunks: AsyncGenerator<Buffer>;
}

/**
 * The lines of `audit export`: every entry of a time, up to a signed checkpoint, for `audit verify`. Who asked for what is recorded first.
 * @throws ServiceError
 */
export async function exportRecord(call: Call, dataDir: string, input: unknown): Promise<RecordExport> {
  demand(call.actor, 'record:export');
  const { since, until, withValues, kept } = parseInput(exportSchema, input ?? {});
  const { log, checkpoint } = openRecord(dataDir);
  try {
    const range = rangeOf(log, checkpoint, { sinceMs: since?.getTime() ?? null, untilMs: until?.getTime() ?? null });
    await call.store.transaction((tx) =>
      recordAction(tx, call.actor, {
        action: 'record.export',
        subject: checkpoint.origin,
        after: { from: range.from, to: range.checkpoint.size, withValues, since: since ?? null, until: until ?? null },
      }),
    );
    const opener = withValues ? createValueOpener(call) : null;
    const sizes = kept.filter(({ origin }) => origin === checkpoint.origin).map(({ size }) => size);
    const lines = exportLines(log, range, opener === null ? null : (sealed) => opener.open(sealed), sizes);
    return { range, chunks: whileOpen(lines, () => log.close()) };
  } catch (error) {
    log.close();
    throw error;
  }
}

async function* whileOpen(lines: AsyncGenerator<Buffer>, close: () => void): AsyncGenerator<Buffer> {
  try {
    yield* lines;
  } finally {
    close();
  }
}

/** What an export breaks off with, for whoever asked: its words name no place of this machine. */
export const brokenOff = (error: unknown): string =>
  error instanceof LogDamagedError
    ? `entries ${error.from} to ${error.to - 1} of the record are damaged on disk: export what is before them with --until, and what is behind with --since`
    : 'the export broke off; the log of the gateway says why';
