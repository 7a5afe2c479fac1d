import { eq, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { connections } from '../../db/schema/policy';
import { seal } from '../../db/secrets';
import { sealTlsKey } from '../../proxy/upstream/endpoint';
import { movePolicyVersion, recordAction } from '../actions/record';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { keepEdits } from '../policy/edits';
import { demandNames, uniquely } from '../policy/names';
import { opaqueIssue } from './credentialShape';
import { demandUnreferenced } from './references';
import { connectionDraftSchema } from './shape';
import { demandTlsKey } from './tlsFields';

/**
 * Creates a connection or changes the one whose id is given. An absent password or client key keeps the stored one; an empty password
 * removes it, and the key goes with its certificate.
 */
export async function saveConnection({ store, actor, secretKey }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'connections:write');
  const draft = parseInput(connectionDraftSchema, input);
  const { id: existing, password, tlsKey, default: defaultAction, opaque: opaqueAction, ...plain } = draft;
  const row = { ...plain, defaultAction, opaqueAction };
  return uniquely('connection', row.name, () =>
    store.transaction(async (tx) => {
      await movePolicyVersion(tx);
      await demandNames(tx, { groups: row.requestable?.groups ?? [] });
      const id = existing ?? newId('con');
      const secret = {
        ...(password === undefined ? {} : { passwordSealed: password === '' ? null : seal(secretKey, password, id), passwordFrom: null }),
        ...(tlsKey === undefined ? {} : { tlsKeySealed: sealTlsKey(secretKey, tlsKey, id) }),
        ...(row.tlsCertificate === null ? { tlsKeySealed: null } : {}),
      };
      if (existing === undefined) {
        demandTlsKey(draft, undefined, secretKey);
        await tx.insert(connections).values({ id, ...row, ...secret });
        await keepEdits(tx, actor, [{ kind: 'connection', name: row.name }]);
        await recordAction(tx, actor, { action: 'connection.create', subject: row.name, after: row });
        return { id };
      }
      const [before] = await tx.select().from(connections).where(eq(connections.id, id));
      if (before === undefined) throw notFound('connection', id);
      const { passwordSealed, tlsKeySealed: _key, ...shown } = before;
      if (before.name !== row.name) await demandUnreferenced(tx, before.name);
      // A stored password is for the server it was given for; pointing it at another one would hand it over.
      if (
        password === undefined &&
        (passwordSealed !== null || before.passwordFrom !== null) &&
        (before.host !== row.host || before.port !== row.port)
      )
        throw new ServiceError('INVALID', 'password: type it again, because host or port changed');
      const opaque = opaqueIssue(before.session, opaqueAction);
      if (opaque !== null) throw new ServiceError('INVALID', `opaque: ${opaque}`);
      demandTlsKey(draft, before, secretKey);
      await tx
        .update(connections)
        .set({ ...row, ...secret, updatedAt: sql`now()` })
        .where(eq(connections.id, id));
      if (before.name !== row.name || before.defaultAction !== row.defaultAction || before.opaqueAction !== row.opaqueAction)
        await keepEdits(tx, actor, [{ kind: 'connection', name: row.name }]);
      await recordAction(tx, actor, {
        action: 'connection.update',
        subject: row.name,
        before: shown,
        after: {
          ...row,
          ...(password === undefined ? {} : { password: 'changed' }),
          ...(tlsKey === undefined ? {} : { tlsKey: 'changed' }),
        },
      });
      return { id };
    }),
  );
}
