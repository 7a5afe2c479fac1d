import { createValueOpener } from '../../proxy/record/valueKeys';
import { recordAction } from '../actions/record';
import { findStatement } from '../audit/get';
import { otherLog, otherLogText } from '../audit/otherLog';
import { proofFile } from '../audit/proof/write';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { entriesOf } from './entriesOf';
import { openRecord } from './open';
import { proveSchema } from './shape';

/**
 * The file that shows what was recorded of one statement, each entry with its path to a signed checkpoint, and no other entry.
 * @throws ServiceError NOT_FOUND, with the gateway that has it where the store knows one; CONFLICT while no checkpoint covers it
 */
export async function proveRecorded(call: Call, dataDir: string, input: unknown): Promise<{ file: string }> {
  demand(call.actor, 'record:export');
  const { statement, withValues, kept } = parseInput(proveSchema, input);
  const { log, checkpoint } = openRecord(dataDir);
  try {
    const indexes = await entriesOf(log, checkpoint.size, statement);
    if (indexes.length === 0 && (await entriesOf(log, log.size, statement)).length > 0)
      throw new ServiceError('CONFLICT', `no checkpoint covers ${statement} yet; the next one does, within seconds`);
    if (indexes.length === 0) {
      const recorded = await findStatement(call.store, statement);
      const other = recorded === undefined ? null : await otherLog(call.store, recorded.source.node);
      if (other !== null) throw new ServiceError('NOT_FOUND', otherLogText(statement, other));
      throw new ServiceError(
        'NOT_FOUND',
        `the record of ${checkpoint.origin} has no statement ${statement}; another gateway may, or its archive`,
      );
    }
    await call.store.transaction((tx) =>
      recordAction(tx, call.actor, { action: 'record.prove', subject: statement, after: { entries: indexes, withValues } }),
    );
    const opener = withValues ? createValueOpener(call) : null;
    const sizes = kept.filter(({ origin }) => origin === checkpoint.origin).map(({ size }) => size);
    const file = await proofFile(log, statement, indexes, checkpoint, opener === null ? null : (sealed) => opener.open(sealed), sizes);
    return { file: file.toString('utf8') };
  } finally {
    log.close();
  }
}
