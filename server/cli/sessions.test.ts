import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { sessions } from '../../db/schema/audit';
import { type CliGateway, withCli } from './testing';

let gateway: CliGateway;
beforeAll(async () => {
  gateway = await withCli();
});
afterAll(() => gateway.close());

describe('sessions', () => {
  test('a session is listed and killed once', async () => {
    const sessionId = newId('ses');
    await gateway.db.store.insert(sessions).values({
      id: sessionId,
      gatewayId: 'gw',
      workerId: 'w1',
      principalId: 'prn_bot',
      principalName: 'bot',
      ownerName: 'ana',
      connectionName: 'crm',
      clientAddress: '127.0.0.1:5',
    });
    expect((await gateway.run(['sessions', 'list'])).out).toContain(sessionId);
    expect(await gateway.run(['sessions', 'kill', sessionId])).toMatchObject({ code: 0 });
    expect((await gateway.run(['sessions', 'kill', 'ses_none'])).code).toBe(1);
  });
});
