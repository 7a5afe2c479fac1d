import { newId } from '../../db/ids';
import type { Store } from '../../db/store';
import type { OutcomeEntry, StatementEntry } from '../../proxy/journal/entries';
import type { RecordEntry } from '../../proxy/record/leaf';
import { createKeyring } from '../../proxy/record/valueKeys';
import { dayOf } from '../../proxy/ship/days';
import { createShipper } from '../../proxy/ship/ship';
import { ArrayLog, recordOf, testSeal } from '../../proxy/ship/testing';

/** A statement as a worker records it; what is left out does not matter to the test. */
export type TestStatement = Partial<Omit<StatementEntry, 'type' | 'atMs'>> &
  Partial<Omit<OutcomeEntry, 'type' | 'id' | 'atMs' | 'reviewers'>> & { at?: Date };

const DEFAULTS: Omit<StatementEntry, 'id' | 'atMs'> = {
  type: 'statement',
  sessionId: 'ses_1',
  principalName: 'bot',
  ownerName: null,
  connectionName: 'shop',
  clientAddress: '127.0.0.1:1',
  applicationName: '',
  kind: 'SELECT',
  sql: 'SELECT 1',
  rewritten: null,
  fingerprint: '0',
  protocol: 'simple',
  parameters: [],
  relations: [],
  effects: ['read'],
  verdict: 'allow',
  rule: null,
  why: '',
  tried: [],
  policyVersion: 1,
  requestId: null,
  status: 'done',
  sqlstate: null,
  analysisMs: 0.5,
  transactionStatus: 'I',
};

let logs = 0;

/** Records statements the way a gateway does, sealed under real keys and shipped; their ids in order. */
export async function recordStatements(
  db: { store: Store; url: string; secretKey: Buffer },
  list: readonly TestStatement[],
): Promise<string[]> {
  const node = `test${++logs}`;
  const log = new ArrayLog();
  const keyring = createKeyring(db);
  const ids: string[] = [];
  for (const { at = new Date(), rows, bytes, maskedColumns, detected, durationMs, waitMs, upstreamMs, maskingMs, ...given } of list) {
    const id = given.id ?? newId('stm', at.getTime());
    ids.push(id);
    const sql = given.sql ?? DEFAULTS.sql;
    // A shape as proxy/sql/shape.ts makes it, near enough for what is looked for here.
    const shape = sql.replaceAll(/'(?:[^']|'')*'|\b\d+\b/g, '?').replaceAll(/\/\*.*?\*\//g, '');
    const entry: StatementEntry = { ...DEFAULTS, shape, ...given, id, atMs: at.getTime() };
    const valueKey = await keyring.keyFor(entry.principalName, dayOf(entry.atMs));
    const seal = testSeal(node, valueKey, db.secretKey);
    const add = (one: RecordEntry) => log.records.push(recordOf(log.size, one, seal));
    add(entry);
    const measured = { rows, bytes, maskedColumns, detected, durationMs, waitMs, upstreamMs, maskingMs };
    if (Object.values(measured).some((value) => value !== undefined))
      // What is undefined is not in the JSON of a leaf.
      add({ type: 'outcome', id, status: entry.status, ...measured } as OutcomeEntry);
  }
  const shipper = createShipper({ storeUrl: db.url, log, node });
  await shipper.round();
  await shipper.close();
  return ids;
}
