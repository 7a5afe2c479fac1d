import { eq, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { connections } from '../../db/schema/policy';
import type { Action, PasswordFrom, UpstreamSession } from '../../db/schema/shapes';
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
import { keptPasswordIssue } from './keptPassword';
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
  const { id: existing, password, tlsKey, session, default: defaultAction, opaque: opaqueAction, ...plain } = draft;
  const row = { ...plain, ...(session === undefined ? {} : { session }), defaultAction, opaqueAction };
  return uniquely('connection', row.name, () =>
    store.transaction(async (tx) => {
      await movePolicyVersion(tx);
      await demandNames(tx, { groups: row.requestable?.groups ?? [] });
      const id = existing ?? newId('con');
      const secret = {
        ...passwordColumns(password, secretKey, id),
        ...(tlsKey === undefined ? {} : { tlsKeySealed: sealTlsKey(secretKey, tlsKey, id) }),
        ...(row.tlsCertificate === null ? { tlsKeySealed: null } : {}),
      };
      if (existing === undefined) {
        demandTlsKey(draft, undefined, secretKey);
        demandOpaque(session, opaqueAction);
        await tx.insert(connections).values({ id, ...row, ...secret });
        await keepEdits(tx, actor, [{ kind: 'connection', name: row.name }]);
        await recordAction(tx, actor, { action: 'connection.create', subject: row.name, after: { ...row, ...shownPassword(password) } });
        return { id };
      }
      const [before] = await tx.select().from(connections).where(eq(connections.id, id));
      if (before === undefined) throw notFound('connection', id);
      const { passwordSealed: _password, tlsKeySealed: _key, ...shown } = before;
      if (before.name !== row.name) await demandUnreferenced(tx, before.name);
      const moved = password === undefined ? keptPasswordIssue(before, row) : null;
      if (moved !== null) {
        const message = `give it again, because ${moved}`;
        throw new ServiceError('INVALID', `password: ${message}`, { fields: [{ path: 'password', message }] });
      }
      demandOpaque(session ?? before.session, opaqueAction);
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
          ...shownPassword(password),
          ...(tlsKey === undefined ? {} : { tlsKey: 'changed' }),
        },
      });
      return { id };
    }),
  );
}

/** Neither in clear nor beside each other: a reference takes the place of what is sealed, and the other way round. */
function passwordColumns(password: string | PasswordFrom | undefined, secretKey: Buffer, id: string) {
  if (password === undefined) return {};
  if (typeof password === 'object') return { passwordSealed: null, passwordFrom: password };
  return { passwordSealed: password === '' ? null : seal(secretKey, password, id), passwordFrom: null };
}

/** What the record says of it: a reference is no secret. */
function shownPassword(password: string | PasswordFrom | undefined): { password?: string | PasswordFrom } {
  if (password === undefined) return {};
  return { password: typeof password === 'object' ? password : 'changed' };
}

function demandOpaque(session: UpstreamSession | undefined, opaque: Action): void {
  const issue = session === undefined ? null : opaqueIssue(session, opaque);
  if (issue !== null) throw new ServiceError('INVALID', `opaque: ${issue}`, { fields: [{ path: 'opaque', message: issue }] });
}
