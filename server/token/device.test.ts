import { createHash } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { actions } from '../../db/schema/audit';
import { deviceLogins, principals } from '../../db/schema/identity';
import { signIn } from '../../proxy/identity/signIn';
import { type TestStore, withStore } from '../testing';
import { decideDevice, getDevice } from './decide';
import { beginDevice, redeemDevice } from './device';
import { revokeByItself } from './revoke';

let store: TestStore;
beforeAll(async () => {
  store = await withStore();
});
afterAll(() => store.close());

const now = () => new Date();
const begin = (connections: string[] = []) =>
  beginDevice(store, { client: 'gatehouse command line', clientAddress: '10.0.0.7', connections }, now());
const poll = (code: string, at = now()) => redeemDevice(store.store, code, at);
const refused = (code: string) => expect.objectContaining({ code });

describe('a program that waits for a person', () => {
  test('gets a token of whoever says yes, once; what they saw is what was asked', async () => {
    const ana = await store.as('member', { name: 'ana' });
    const { deviceCode, userCode } = await begin(['shop']);
    expect(userCode).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
    await expect(poll(deviceCode)).rejects.toThrow(refused('authorization_pending'));
    await expect(poll(deviceCode)).rejects.toThrow(refused('slow_down'));
    expect(await getDevice(ana, { userCode: userCode.toLowerCase() })).toMatchObject({
      client: 'gatehouse command line',
      clientAddress: '10.0.0.7',
      connections: ['shop'],
    });
    expect(await decideDevice(ana, { userCode, approve: true })).toEqual({ approved: true });
    const both = await Promise.allSettled([poll(deviceCode), poll(deviceCode)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const granted = both.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))[0];
    expect(granted).toMatchObject({ principal: 'ana', connections: ['shop'], expiresInS: 12 * 3_600 });
    const signedIn = () => signIn(store.store, { user: 'ana', password: granted?.secret ?? '', now: now() });
    expect((await signedIn())?.credential).toMatchObject({ connections: ['shop'] });
    expect(await revokeByItself(store.store, granted?.secret ?? '')).toEqual({});
    expect(await signedIn()).toBeNull();
    expect(await revokeByItself(store.store, 'gh_at_unknown')).toEqual({});
    const record = JSON.stringify([await store.store.select().from(actions), await store.store.select().from(deviceLogins)]);
    for (const name of ['device.approve', 'token.login', 'token.revoke']) expect(record).toContain(name);
    // Nor what anybody could work out of all codes there are.
    const guessed = ['hex', 'base64', 'base64url'].map((form) =>
      createHash('sha256')
        .update(userCode.replace('-', ''))
        .digest(form as 'hex'),
    );
    for (const secret of [...guessed, deviceCode, granted?.secret ?? '', userCode.replace('-', '')]) expect(record).not.toContain(secret);
  });

  test('hears no; of two who decide, the first', async () => {
    const ana = await store.as('member');
    const bo = await store.as('member');
    const { deviceCode, userCode } = await begin();
    await decideDevice(ana, { userCode, approve: false });
    await expect(decideDevice(bo, { userCode, approve: true })).rejects.toThrow(/no program waits/);
    await expect(poll(deviceCode)).rejects.toThrow(refused('access_denied'));
  });

  test('is not served late, and not for whoever was disabled meanwhile', async () => {
    const late = await begin();
    await expect(poll(late.deviceCode, new Date(Date.now() + 601_000))).rejects.toThrow(refused('expired_token'));
    const gone = await store.as('member');
    const { deviceCode, userCode } = await begin();
    await decideDevice(gone, { userCode, approve: true });
    await store.store.update(principals).set({ disabledAt: now() }).where(eq(principals.id, gone.actor.id));
    await expect(poll(deviceCode)).rejects.toThrow(refused('access_denied'));
    const left = await store.as('member');
    const again = await begin();
    await decideDevice(left, { userCode: again.userCode, approve: true });
    await store.store.update(principals).set({ signedOutAt: now() }).where(eq(principals.id, left.actor.id));
    await expect(poll(again.deviceCode)).rejects.toThrow(refused('access_denied'));
    await expect(poll('gh_dc_nobody')).rejects.toThrow(refused('invalid_grant'));
  });

  test('a token cannot say yes, and nobody may guess', async () => {
    const byToken = await store.as('admin', { via: 'cli' });
    const { userCode } = await begin();
    await expect(decideDevice(byToken, { userCode, approve: true })).rejects.toThrow(/in the console/);
    const guesser = await store.as('member');
    for (let i = 0; i < 10; i++)
      await expect(getDevice(guesser, { userCode: `BCDF-GHJ${'BCDFGHJKLM'[i]}` })).rejects.toThrow(/no program waits/);
    await expect(getDevice(guesser, { userCode })).rejects.toThrow(/too many/);
    expect(await getDevice(await store.as('member'), { userCode })).toMatchObject({ client: 'gatehouse command line' });
  });
});
