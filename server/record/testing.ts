import { openAppendLog } from '../../proxy/record/appendLog';
import { keepNote, openCheckpointKey } from '../../proxy/record/checkpointFile';
import { LeafGroup } from '../../proxy/record/group';
import { signCheckpoint } from '../../proxy/tlog/checkpoint';

/** A signed log of so many entries of a node `n`, in groups of ten, for a data directory. */
export async function writeLog(dataDir: string, secretKey: Buffer, entries: number): Promise<void> {
  const log = openAppendLog(dataDir);
  for (let from = 0; from < entries; from += 10)
    await log.append(
      LeafGroup.of(
        Array.from({ length: Math.min(10, entries - from) }, (_, at) => {
          const seq = from + at;
          const entry = { type: 'outcome', id: `stm_${seq}`, atMs: 1_790_000_000_000 };
          return { text: [JSON.stringify({ v: 1, node: 'n', journal: 'j', seq, entry })], values: null };
        }),
      ),
      '{}',
    );
  keepNote(dataDir, signCheckpoint({ size: log.size, root: log.root() }, openCheckpointKey(dataDir, 'n', secretKey)));
  log.close();
}
