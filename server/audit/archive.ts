import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ArchiveTarget } from '../../db/schema/auditShapes';
import { putNew } from '../../proxy/objects/s3';
import type { LogReader } from '../../proxy/record/leaf';
import type { SignedCheckpoint } from '../../proxy/tlog/checkpoint';
import { exportLines } from './proof/write';

/** A run of a node's log up to a signed checkpoint, small enough to be held in memory. */
export interface ArchiveSpan {
  node: string;
  /** The UTC day it ends in. */
  day: string;
  from: number;
  checkpoint: SignedCheckpoint;
}

export interface Archived {
  /** Where the entries are: a path, or an object's key. */
  place: string;
  sizeBytes: number;
  /** Of the compressed file, hexadecimal. */
  sha256: string;
}

const BATCH = 1_000;
const compressed = promisify(gzip);

/**
 * Writes entries as `<node>/<day>-<first entry>.jsonl.gz`: an export that `audit verify` takes once it is decompressed. What was sent is in
 * `….values.jsonl.gz` beside it as the log has it, sealed, so that erasing a key erases it there too.
 *
 * @throws what the disk or the object store said
 */
export async function archiveSpan(
  log: LogReader,
  span: ArchiveSpan,
  target: ArchiveTarget,
  env: Readonly<Record<string, string | undefined>>,
  nowMs: number,
): Promise<Archived> {
  const entries: Buffer[] = [];
  for await (const lines of exportLines(log, span, null, [])) entries.push(lines);
  const sealed: string[] = [];
  for (let at = span.from; at < span.checkpoint.size; ) {
    const records = log.read(at, Math.min(BATCH, span.checkpoint.size - at));
    if (records.length === 0) throw new Error(`the log has no entry ${at}`);
    for (const { index, sealed: values } of records)
      if (values !== null) sealed.push(`${JSON.stringify({ index, keyId: values.keyId, box: values.box.toString('base64') })}\n`);
    at += records.length;
  }
  const name = `${span.node}/${span.day}-${String(span.from).padStart(12, '0')}`;
  await put(target, `${name}.values.jsonl.gz`, await compressed(sealed.join('')), env, nowMs);
  // The entries last: where they are, everything is.
  const body = await compressed(Buffer.concat(entries));
  const place = await put(target, `${name}.jsonl.gz`, body, env, nowMs);
  return { place, sizeBytes: body.length, sha256: createHash('sha256').update(body).digest('hex') };
}

async function put(
  target: ArchiveTarget,
  key: string,
  body: Buffer,
  env: Readonly<Record<string, string | undefined>>,
  nowMs: number,
): Promise<string> {
  switch (target.type) {
    case 'file': {
      const path = join(target.path, key);
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const aside = `${path}.partial`;
      const file = openSync(aside, 'w', 0o600);
      try {
        writeSync(file, body);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      // It appears whole, whatever happens.
      renameSync(aside, path);
      return path;
    }
    case 's3':
      // One that an earlier try left behind holds the same entries; with object lock it could not be replaced.
      await putNew(target, { key, body, contentType: 'application/gzip' }, env, nowMs);
      return key;
    default:
      return target satisfies never;
  }
}
