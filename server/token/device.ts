import { createHmac, hkdfSync, randomInt } from 'node:crypto';
import { and, eq, gt, isNull, lt, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { deviceLogins, principals } from '../../db/schema/identity';
import { hashSecret, newSecret } from '../../db/secrets';
import type { Store } from '../../db/store';
import { loadPrincipal } from '../../proxy/identity/principal';
import { recordAction } from '../actions/record';
import type { Call } from '../identity/actor';
import { makeToken } from '../tokens/make';
import { TokenRefused } from './grants';
import type { Granted } from './handler';

export const DEVICE_TTL_S = 600;
export const POLL_S = 5;
/** A working day, as a console session. */
export const LOGIN_TTL_S = 12 * 3_600;
/** Letters that are hardly mistaken and spell nothing (RFC 8628 §6.1): 20 to the 8th codes, and few tries. */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';

/** A store and the root of its keys. */
export type Keyed = Pick<Call, 'store' | 'secretKey'>;

/** What a program shows and keeps. */
export interface DeviceCodes {
  deviceCode: string;
  /** `BCDF-GHJK` */
  userCode: string;
}

/** A program asks for a person's sign-in (RFC 8628 §3.1). */
export async function beginDevice(
  { store, secretKey }: Keyed,
  asks: { client: string; clientAddress: string; connections: readonly string[] },
  now: Date,
): Promise<DeviceCodes> {
  const deviceCode = newSecret('gh_dc');
  const userCode = Array.from({ length: 8 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  await store.delete(deviceLogins).where(lt(deviceLogins.expiresAt, new Date(now.getTime() - 3_600_000)));
  await store.insert(deviceLogins).values({
    id: newId('dev'),
    deviceHash: hashSecret(deviceCode),
    userHash: keyedUserCode(secretKey, userCode),
    client: asks.client,
    clientAddress: asks.clientAddress,
    connections: asks.connections.length === 0 ? null : [...asks.connections],
    expiresAt: new Date(now.getTime() + DEVICE_TTL_S * 1_000),
  });
  return { deviceCode, userCode: `${userCode.slice(0, 4)}-${userCode.slice(4)}` };
}

/** What codes are found by: there are so few that whoever has read the store would find any by trying them, but for the key. Pure. */
const keyedUserCode = (secretKey: Buffer, userCode: string): string =>
  createHmac('sha256', Buffer.from(hkdfSync('sha256', secretKey, Buffer.alloc(0), 'gatehouse user codes', 32)))
    .update(userCode)
    .digest('base64url');

/** As a person may have typed it. Pure. */
export const plainUserCode = (typed: string): string => typed.toUpperCase().replace(/[^A-Z]/g, '');

/** Gives the program its token once the person has said yes; once. @throws TokenRefused */
export async function redeemDevice(store: Store, deviceCode: string, now: Date): Promise<Granted> {
  return store
    .transaction(async (tx) => {
      const [login] = await tx
        .select()
        .from(deviceLogins)
        .where(eq(deviceLogins.deviceHash, hashSecret(deviceCode)))
        .for('update');
      if (login === undefined || login.usedAt !== null) throw new TokenRefused('invalid_grant', 'the device code is not known');
      if (login.expiresAt <= now) throw new TokenRefused('expired_token', 'nobody said yes in time: begin again');
      if (login.decision === 'denied') throw new TokenRefused('access_denied', 'the sign-in was refused');
      if (login.decision === null || login.principalId === null) return null;
      const principal = await loadPrincipal(tx, login.principalId);
      const [row] = await tx
        .select({ salt: principals.scramSalt, signedOutAt: principals.signedOutAt })
        .from(principals)
        .where(eq(principals.id, login.principalId));
      // Whoever signed out everywhere meant what they said yes to before, too.
      const signedOut = row?.signedOutAt != null && row.signedOutAt >= login.createdAt;
      if (principal === null || row === undefined || signedOut) throw new TokenRefused('access_denied', 'the sign-in was refused');
      await tx.update(deviceLogins).set({ usedAt: now }).where(eq(deviceLogins.id, login.id));
      const expiresAt = new Date(now.getTime() + LOGIN_TTL_S * 1_000);
      const made = await makeToken(tx, {
        principal: { id: principal.id, salt: row.salt },
        kind: 'access',
        label: `login: ${login.client}`.slice(0, 100),
        connections: login.connections,
        identity: null,
        expiresAt,
      });
      const { id, name, kind, role, groups } = principal;
      await recordAction(
        tx,
        { id, name, kind, role, groups, via: 'cli' },
        {
          action: 'token.login',
          subject: name,
          after: {
            id: made.id,
            hint: made.hint,
            expiresAt,
            connections: login.connections,
            client: login.client,
            from: login.clientAddress,
          },
        },
      );
      return { secret: made.secret, expiresInS: LOGIN_TTL_S, principal: name, connections: login.connections };
    })
    .then(async (granted) => granted ?? waits(store, deviceCode, now));
}

/** Not yet. Whoever asks faster than was said is told so (RFC 8628 §3.5). */
async function waits(store: Store, deviceCode: string, now: Date): Promise<never> {
  const before = new Date(now.getTime() - (POLL_S * 1_000 - 500));
  const counted = await store
    .update(deviceLogins)
    .set({ polledAt: now })
    .where(
      and(eq(deviceLogins.deviceHash, hashSecret(deviceCode)), sql`coalesce(${deviceLogins.polledAt} < ${before.toISOString()}, true)`),
    )
    .returning({ id: deviceLogins.id });
  if (counted.length === 0) throw new TokenRefused('slow_down', `ask every ${POLL_S} seconds`);
  throw new TokenRefused('authorization_pending', 'nobody has said yes yet');
}

/** What a person sees of a program that waits for them; undefined for a code that nobody waits with. */
export async function waitingDevice(
  { store, secretKey }: Keyed,
  typed: string,
  now: Date,
): Promise<typeof deviceLogins.$inferSelect | undefined> {
  const [login] = await store
    .select()
    .from(deviceLogins)
    .where(
      and(
        eq(deviceLogins.userHash, keyedUserCode(secretKey, plainUserCode(typed))),
        gt(deviceLogins.expiresAt, now),
        isNull(deviceLogins.decision),
      ),
    );
  return login;
}
