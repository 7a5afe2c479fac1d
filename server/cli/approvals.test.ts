import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { approvalRequests } from '../../db/schema/approvals';
import { type CliGateway, withCli } from './testing';

let gateway: CliGateway;
beforeAll(async () => {
  gateway = await withCli();
});
afterAll(() => gateway.close());

describe('approvals', () => {
  test('a request is listed, shown, rejected only with a reason, and decided once', async () => {
    const id = newId('req');
    await gateway.db.store.insert(approvalRequests).values({
      id,
      statementId: newId('stm'),
      sessionId: newId('ses'),
      principalName: 'bot',
      ownerName: 'ana',
      connectionName: 'crm',
      gatewayId: 'gw',
      workerId: 'w1',
      principalId: 'prn_bot',
      sql: 'DELETE FROM crm.orders -- \u202e\u001b[31m',
      parameters: [{ typeOid: 23, value: '7' }],
      digest: 'd',
      kind: 'DELETE',
      effects: ['delete'],
      relations: [{ name: 'crm.orders', access: 'write' }],
      // Not one of those that this person has applied: nobody decides under a rule of their own.
      rule: 'review-purges',
      why: 'DELETE matches',
      tried: [],
      transactionStatus: 'T',
      reviewerGroups: ['dba'],
      required: 1,
      expiresAt: new Date(Date.now() + 60_000),
    });
    expect((await gateway.run(['approvals', 'list'])).out).toContain(id);
    const shown = (await gateway.run(['approvals', 'show', id])).out;
    expect(shown).toContain('crm.orders (write)');
    expect(shown).toContain('\\u{202e}\\u{1b}[31m');
    expect(shown).not.toContain('\u001b');
    expect(await gateway.run(['approvals', 'reject', id])).toMatchObject({
      code: 2,
      err: 'gatehouse: --reason is needed: the client sees it\n',
    });
    expect(await gateway.run(['approvals', 'approve', id, '--reason', 'fine'])).toMatchObject({ code: 0, out: `approved ${id}\n` });
    expect(await gateway.run(['approvals', 'reject', id, '--reason', 'late'])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^gatehouse: already approved by root (just now|\d s ago)\n$/),
    });
    expect((await gateway.run(['approvals', 'show', 'req_none'])).err).toBe('gatehouse: request req_none does not exist\n');
  });
});
