import type { S3Target } from '../../db/schema/auditShapes';
import { getObject, putNew } from '../objects/s3';
import { parseCheckpoint } from '../tlog/checkpoint';
import { contradicts, type Publication, type Witness } from './witness';

/** Each checkpoint an object of its own, `<origin>/<size>`, which nobody replaces; with `lockDays` nobody deletes it either. */
export function s3Witness(target: S3Target, env: Readonly<Record<string, string | undefined>>): Witness {
  return {
    name: `s3 ${target.bucket}${target.prefix === undefined ? '' : `/${target.prefix}`}`,
    async publish({ checkpoint, nowMs }: Publication) {
      const { origin, size, root, source } = checkpoint;
      // Sixteen digits, so that a listing is in the order of the log.
      const key = `${origin.replace(/[^A-Za-z0-9._/-]/g, '_')}/${String(size).padStart(16, '0')}`;
      const state = await putNew(target, { key, body: Buffer.from(source), contentType: 'text/plain; charset=utf-8' }, env, nowMs);
      if (state === 'made') return [];
      const kept = await getObject(target, key, env, nowMs);
      if (kept === null) throw new Error('the object went away');
      // Signed again with another time, it says the same.
      const there = readHead(kept);
      if (there?.origin !== origin || there.size !== size || !there.root.equals(root))
        throw contradicts(size, `${target.bucket} holds another checkpoint`);
      return [];
    },
  };
}

function readHead(bytes: Buffer): ReturnType<typeof parseCheckpoint> | null {
  try {
    return parseCheckpoint(bytes.toString('utf8'));
  } catch {
    return null;
  }
}
