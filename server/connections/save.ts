import { eq, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { connections } from '../../db/schema/policy';
import { seal } from '../../db/secrets';
import { movePolicyVersion, recordAction } from '../actions/record';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { uniquely } from '../policy/names';
import { demandUnreferenced } from './references';
import { connectionDraftSchema } from './shape';

/** Creates a connection or changes the one whose id is given. An absent password keeps the stored one; an empty one removes it. */
export async function saveConnection({ store, actor, secretKey }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'connections:write');
  const { id: existing, password, default: defaultAction, opaque: opaqueAction, ...plain } = parseInput(connectionDraftSchema, input);
  const row = { ...plain, defaultAction, opaqueAction };
  return uniquely('connection', row.name, () =>
    store.transaction(async (tx) => {
      await movePolicyVersion(tx);
      const id = existing ?? newId('con');
      const secret = password === undefined ? {} : { passwordSealed: password === '' ? null : seal(secretKey, password, id) };
      if (existing === undefined) {
        await tx.insert(connections).values({ id, ...row, ...secret });
        await recordAction(tx, actor, { action: 'connection.create', subject: row.name, after: row });
        return { id };
      }
      const [before] = await tx.select().from(connections).where(eq(connections.id, id));
      if (before === undefined) throw notFound('connection', id);
      const { passwordSealed, ...shown } = before;
      if (before.name !== row.name) await demandUnreferenced(tx, before.name);
      // A stored password is for the server it was given for; pointing it at another one would hand it over.
      if (password === undefined && passwordSealed !== null && (before.host !== row.host || before.port !== row.port))
        throw new ServiceError('INVALID', 'password: type it again, because host or port changed');
      await tx
        .update(connections)
        .set({ ...row, ...secret, updatedAt: sql`now()` })
        .where(eq(connections.id, id));
      await recordAction(tx, actor, {
        action: 'connection.update',
        subject: row.name,
        before: shown,
        after: { ...row, ...(password === undefined ? {} : { password: 'changed' }) },
      });
      return { id };
    }),
  );
}
