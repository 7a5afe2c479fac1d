import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { openRecord } from './open';
import type { NewestCheckpoint } from './shape';

/** The newest signed checkpoint of this gateway's record: kept elsewhere, it proves later that nothing before it was changed. */
export async function newestCheckpoint({ actor }: Call, dataDir: string): Promise<NewestCheckpoint> {
  demand(actor, 'record:read');
  const { log, checkpoint } = openRecord(dataDir);
  try {
    const { origin, size, root } = checkpoint;
    return { origin, size, root: root.toString('base64'), note: checkpoint.source, publicKey: log.publicKey };
  } finally {
    log.close();
  }
}
