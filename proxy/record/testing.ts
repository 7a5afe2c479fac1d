import fc from 'fast-check';
import { ByteWriter } from '../journal/bytes';
import { type Definition, readDefinition, writeJudged, writeSession, writeText } from '../journal/definitions';
import type { StatementEntry } from '../journal/entries';
import { readStatement, writeStatement } from '../journal/records';
import { testIntent } from '../ship/testing';

/** An entry as it comes out of a journal. */
export function throughJournal(entry: StatementEntry): StatementEntry {
  const written = (write: (out: ByteWriter) => void) => {
    const out = new ByteWriter(64);
    write(out);
    return out.bytes.subarray(0, out.length);
  };
  const definitions: Definition[] = [];
  const definitionAt = (at: number) => definitions[at] ?? { session: entry };
  for (const write of [
    (out: ByteWriter) => writeSession(out, entry),
    (out: ByteWriter) => writeJudged(out, entry),
    (out: ByteWriter) => writeText(out, entry, 1),
  ])
    definitions.push(readDefinition(written(write), definitionAt));
  const payload = written((out) => writeStatement(out, entry, { session: 0, statement: 2 }));
  return readStatement(payload, definitionAt);
}

const text = fc.oneof(
  fc.constantFrom('', 'a', 'é"\\\n'),
  fc.string({ unit: 'binary', maxLength: 8 }).map((one) => Buffer.from(one).toString()),
);
const orNull = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: null });
/** Statements that have much in common, and of each field a few values. */
export const statements = fc
  .record({
    id: text,
    sessionId: fc.constantFrom('ses_1', 'ses_2'),
    principalName: fc.constantFrom('bot', 'bo"t'),
    ownerName: orNull(fc.constantFrom('ana', 'bo')),
    clientAddress: fc.constantFrom('10.0.0.1:5', '10.0.0.1:6'),
    atMs: fc.double(),
    analysisMs: fc.double(),
    kind: fc.constantFrom('SELECT', 'UPDATE'),
    sql: text,
    rewritten: orNull(text),
    executes: orNull(text),
    fingerprint: fc.constantFrom('f', 'g'),
    touchedColumns: fc.constantFrom([], ['public.t.a']),
    relations: fc.constantFrom([], [{ name: 'public.t', access: 'read' as const }], [{ name: 'public.t', access: 'write' as const }]),
    effects: fc.constantFrom(['read'], ['update', 'read']),
    unbounded: fc.boolean(),
    verdict: fc.constantFrom('allow' as const, 'deny' as const),
    rule: orNull(fc.constant('r')),
    why: fc.constantFrom('', 'default'),
    tried: fc.constantFrom([], [{ rule: 'r', mode: 'enforce' as const, action: 'deny' as const, matched: true, why: 'so' }]),
    protocol: fc.constantFrom('simple' as const, 'extended' as const),
    parameters: fc.array(fc.record({ typeOid: fc.nat(100), value: orNull(text) }), { maxLength: 2 }),
    policyVersion: fc.nat(3),
    requestId: orNull(fc.constant('req_1')),
    grantId: orNull(fc.constant('grn_1')),
    breakGlass: orNull(text),
    status: fc.constantFrom('running' as const, 'denied' as const),
    sqlstate: orNull(fc.constant('42501')),
    transactionStatus: fc.constantFrom('I', 'T'),
    transactionId: orNull(fc.constantFrom('txn_1', 'txn_2')),
    runOf: orNull(fc.constantFrom('stm_1', 'stm_2')),
    reviewers: fc.constantFrom(undefined, [{ name: 'bo', decision: 'approve' as const }]),
  })
  .map((more) => testIntent('stm_1', more));
