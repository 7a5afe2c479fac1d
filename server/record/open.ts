import { existsSync } from 'node:fs';
import { type LogFiles, openLogFiles } from '../../proxy/record/readLog';
import { recordDirectory } from '../../proxy/record/segments';
import type { SignedCheckpoint } from '../../proxy/tlog/checkpoint';
import { newestOf } from '../audit/proof/write';
import { ServiceError } from '../errors';

export interface OpenRecord {
  log: LogFiles;
  /** The newest checkpoint that all entries of are here. */
  checkpoint: SignedCheckpoint;
}

/** Opens this gateway's log for reading; the caller closes it. @throws ServiceError UNAVAILABLE until something is signed */
export function openRecord(dataDir: string): OpenRecord {
  if (!existsSync(recordDirectory(dataDir))) throw new ServiceError('UNAVAILABLE', 'this gateway has no record yet');
  const log = openLogFiles(dataDir);
  const checkpoint = newestOf(log);
  if (checkpoint !== null) return { log, checkpoint };
  log.close();
  throw new ServiceError('UNAVAILABLE', 'no checkpoint is signed yet; the first one follows within seconds');
}
