import type { LogReader, SealedValues } from '../../../proxy/record/leaf';
import { parseCheckpoint, type SignedCheckpoint } from '../../../proxy/tlog/checkpoint';
import { consistencyProof } from '../../../proxy/tlog/consistency';
import { Frontier } from '../../../proxy/tlog/frontier';
import { inclusionProof } from '../../../proxy/tlog/inclusion';
import { type Opened, writeConsistency, writeEnd, writeEntry, writeHeader } from './lines';

/** Opens what is sealed beside an entry; null where it has been erased. */
export type OpenValues = (sealed: SealedValues) => Promise<Opened | null>;

/** A run of entries up to a checkpoint. */
export interface ExportRange {
  /** Index of the first entry. */
  from: number;
  checkpoint: SignedCheckpoint;
}

/** Entries read at a time; the reader stops at about 4 MiB by itself. */
const BATCH = 1_000;

/**
 * The lines of an export, some at a time.
 * @param open null: without values
 * @param keptSizes checkpoints somebody kept from before the range, that it is to be tied to
 */
export async function* exportLines(
  log: LogReader,
  { from, checkpoint }: ExportRange,
  open: OpenValues | null,
  keptSizes: readonly number[],
): AsyncGenerator<Buffer> {
  const hashAt = log.hashAt.bind(log);
  const prefix = Frontier.at(from, hashAt).state();
  yield Buffer.from(
    writeHeader({ type: 'gatehouse-export', v: 1, origin: checkpoint.origin, publicKey: log.publicKey, prefix }) +
      keptSizes
        .filter((size) => size < from)
        .map((size) => writeConsistency(size, consistencyProof(size, from, hashAt)))
        .join(''),
  );
  for (let index = from; index < checkpoint.size; ) {
    const records = log.read(index, Math.min(BATCH, checkpoint.size - index));
    const lines: Buffer[] = [];
    for (const { index: at, bytes, sealed } of records) {
      if (at !== index + lines.length) throw new Error(`the log has entry ${at} where ${index + lines.length} belongs`);
      lines.push(writeEntry(at, bytes, open === null || sealed === null ? null : await open(sealed)));
    }
    if (lines.length === 0) throw new Error(`the log ends before entry ${index}, which a checkpoint speaks of`);
    index += lines.length;
    yield Buffer.concat(lines);
  }
  yield Buffer.from(writeEnd(checkpoint.source));
}

/**
 * The file that shows the entries of one statement and none of the others.
 * @param indexes of its entries, ascending, all before the checkpoint
 */
export async function proofFile(
  log: LogReader,
  statement: string,
  indexes: readonly number[],
  checkpoint: SignedCheckpoint,
  open: OpenValues | null,
  keptSizes: readonly number[],
): Promise<Buffer> {
  const hashAt = log.hashAt.bind(log);
  const { origin, size } = checkpoint;
  const parts: Buffer[] = [Buffer.from(writeHeader({ type: 'gatehouse-proof', v: 1, origin, publicKey: log.publicKey, statement }))];
  for (const kept of keptSizes) if (kept < size) parts.push(Buffer.from(writeConsistency(kept, consistencyProof(kept, size, hashAt))));
  for (const index of indexes) {
    const [record] = log.read(index, 1);
    if (record?.index !== index) throw new Error(`the log has no entry ${index}`);
    const opened = open === null || record.sealed === null ? null : await open(record.sealed);
    parts.push(writeEntry(index, record.bytes, opened, inclusionProof(index, size, hashAt)));
  }
  return Buffer.concat([...parts, Buffer.from(writeEnd(checkpoint.source))]);
}

/** The newest signed checkpoint, read. Null before the first. @throws Error when it is none */
export function newestOf(log: LogReader): SignedCheckpoint | null {
  const source = log.checkpoint();
  return source === null ? null : parseCheckpoint(source);
}
