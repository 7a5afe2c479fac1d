import { createCipheriv, createHash, hkdfSync, createHmac, randomBytes } from 'node:crypto';
import type { LogReader, LogRecord, RecordEntry, SealedValues } from '../record/leaf';
import { VALUE_FIELDS } from '../record/leaf';

/** Seals the values of one principal and day, for logs that tests and benchmarks make. */
export interface TestKey {
  keyId: string;
  key: Buffer;
}

/** Entries as the recorder makes leaves of them: values lifted out, committed to and sealed. */
export function recordOf(index: number, entry: RecordEntry, options: { node?: string; key?: TestKey; words?: readonly string[] } = {}): LogRecord {
  const fields: readonly string[] = entry.type === 'statement' || entry.type === 'result' ? VALUE_FIELDS[entry.type] : [];
  const plain: Record<string, unknown> & { type: RecordEntry['type'] } = { ...entry };
  const values: Record<string, string> = {};
  const salted: Record<string, [string, string]> = {};
  for (const field of fields) {
    const value = plain[field];
    delete plain[field];
    if (value === undefined || value === null) continue;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const salt = randomBytes(16);
    values[field] = createHash('sha256').update(salt).update(field).update('\0').update(text).digest('base64');
    salted[field] = [salt.toString('base64'), text];
  }
  const leaf = {
    v: 1 as const,
    node: options.node ?? 'test',
    journal: 'w1',
    seq: index,
    entry: plain,
    ...(Object.keys(values).length > 0 ? { values } : {}),
  };
  return {
    index,
    bytes: Buffer.from(JSON.stringify(leaf)),
    leaf,
    sealed: options.key === undefined || Object.keys(values).length === 0 ? null : sealValues(options.key, salted),
    words: options.words ?? [],
  };
}

function sealValues({ keyId, key }: TestKey, values: Record<string, [string, string]>): SealedValues {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const box = Buffer.concat([nonce, cipher.update(JSON.stringify(values)), cipher.final(), cipher.getAuthTag()]);
  return { keyId, box };
}

/** A log that grows in memory. */
export class ArrayLog implements LogReader {
  readonly records: LogRecord[] = [];
  first = 0;

  get size(): number {
    return this.first + this.records.length;
  }

  read(from: number, limit: number): LogRecord[] {
    return this.records.slice(from - this.first, from - this.first + limit);
  }
}

/** The word of a constant's text, as the recorder makes it. */
export function testWord(secretKey: Buffer, text: string): string {
  const key = Buffer.from(hkdfSync('sha256', secretKey, Buffer.alloc(0), 'gatehouse record words', 32));
  return createHmac('sha256', key).update(text).digest('hex').slice(0, 16);
}
