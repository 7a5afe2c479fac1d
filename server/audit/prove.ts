import { and, desc, eq, lte } from 'drizzle-orm';
import { checkpoints, nodes } from '../../db/schema/record';
import type { StoreHandle } from '../../db/store';
import { parseCheckpoint } from '../../proxy/tlog/checkpoint';
import { inclusionProof } from '../../proxy/tlog/inclusion';
import { parseNoteKey } from '../../proxy/tlog/noteKey';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { idSchema, parseInput } from '../input';
import { entriesOf } from '../record/entriesOf';
import { type OpenRecord, openRecord } from '../record/open';
import type { StatementProof } from './integrity';
import { otherLog, otherLogText } from './otherLog';
import { ownStatement } from './own';
import type { Report } from './proof/report';
import type { Kept } from './proof/trust';
import { Verification } from './proof/verification';
import { proofFile } from './proof/write';

/**
 * The inclusion proof of one statement against the newest checkpoint, and what verifying it comes to: with the key and the checkpoint that
 * the store has of this log, which the log on disk cannot change. It shows no value and no other entry.
 *
 * @throws ServiceError UNAVAILABLE while no checkpoint covers it; CONFLICT where another gateway has the log
 */
export async function proveStatement(call: Call, dataDir: string, input: unknown): Promise<StatementProof> {
  demand(call.actor, 'audit:own');
  const { id } = parseInput(idSchema, input);
  const { source, statement } = await ownStatement(call, id);
  if (statement.logIndex === null)
    throw new ServiceError('CONFLICT', `${id} was recorded before there was a log: there is nothing to prove it by`);
  const other = await otherLog(call.store, source.node);
  if (other !== null) throw new ServiceError('CONFLICT', otherLogText(id, other));
  const record = openRecord(dataDir);
  try {
    const kept = await keptOf(call.store, source.node, record);
    return await prove(id, source.node, statement.logIndex, record, kept);
  } finally {
    record.log.close();
  }
}

/** What the store knows of this log. @throws ServiceError CONFLICT where the log of this gateway is another */
async function keptOf(store: StoreHandle, node: string, { log, checkpoint }: OpenRecord): Promise<Kept> {
  const [known] = await store.select().from(nodes).where(eq(nodes.name, node));
  if (known === undefined) throw new ServiceError('CONFLICT', `the store knows no log of ${node}`);
  const key = parseNoteKey(known.publicKey);
  if (key.text !== log.publicKey && key.name !== checkpoint.origin)
    throw new ServiceError('CONFLICT', `it stands in the log of ${node}: ask the console of that gateway`);
  const [newest] = await store
    .select({ note: checkpoints.note })
    .from(checkpoints)
    .where(and(eq(checkpoints.node, node), lte(checkpoints.size, checkpoint.size)))
    .orderBy(desc(checkpoints.size))
    .limit(1);
  return { checkpoints: newest === undefined ? [] : [parseCheckpoint(newest.note)], publicKey: key };
}

async function prove(id: string, node: string, index: number, { log, checkpoint }: OpenRecord, kept: Kept): Promise<StatementProof> {
  if (index >= checkpoint.size) throw new ServiceError('UNAVAILABLE', `no checkpoint covers ${id} yet; the next one does, within seconds`);
  const found = await entriesOf(log, checkpoint.size, id);
  const indexes = found.includes(index) ? found : [index, ...found].sort((a, b) => a - b);
  const keptSizes = kept.checkpoints.map(({ size }) => size);
  const bytes = await proofFile(log, id, indexes, checkpoint, null, keptSizes);
  const [record] = log.read(index, 1);
  if (record === undefined) throw new ServiceError('UNAVAILABLE', `entry ${index} of the log is no longer on this disk`);
  return {
    statementId: id,
    node,
    index,
    size: checkpoint.size,
    leaf: record.bytes.toString('base64'),
    path: inclusionProof(index, checkpoint.size, log.hashAt.bind(log)).map((hash) => hash.toString('base64')),
    checkpoint: checkpoint.source,
    publicKey: log.publicKey,
    checks: checksOf(verify(bytes, kept), kept),
    file: bytes.toString('utf8'),
  };
}

/** Reads the file as whoever is handed it does. */
function verify(file: Buffer, kept: Kept): Report {
  const verification = new Verification(kept);
  for (let at = 0; at < file.length; ) {
    const end = file.indexOf(0x0a, at);
    if (end < 0) break;
    verification.line(file.subarray(at, end));
    at = end + 1;
  }
  return verification.end(file.at(-1) === 0x0a);
}

function checksOf(report: Report, kept: Kept): StatementProof['checks'] {
  if (!report.ok) return report.findings.map(({ message }) => ({ what: message, ok: false }));
  const { entries, checkpoint } = report;
  return [
    {
      what: `${entries} ${entries === 1 ? 'entry' : 'entries'} of it stand in the log of ${(checkpoint?.size ?? 0).toLocaleString('en')} that was signed`,
      ok: true,
    },
    { what: `the checkpoint is signed with the key that the store has of ${report.origin ?? 'this log'}`, ok: true },
    ...report.keptMet.map((size) => ({
      what: `the log still begins with the ${size.toLocaleString('en')} entries of the checkpoint that the store kept`,
      ok: true,
    })),
    ...(kept.checkpoints.length === 0 ? [{ what: 'the store has kept no checkpoint of it yet', ok: true }] : []),
  ];
}
