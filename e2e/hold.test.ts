import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse as parseYaml, stringify } from 'yaml';
import type { RequestRow } from '../server/approvals/shape';
import { type Api, apiAs, apiAsAdmin, apiAsOperator, demoToken, makePrincipal } from './api';
import { DEMO_AGENT, directSettings, eventually, failure, open, proxySettings, type ServerError } from './clients';
import { sharedGateway } from './gateway';
import { tenRows } from './tenRows';
import { bind, execute, parse, simpleQuery, statusOf, sync, terminate, WireClient } from './wireClient';

const gateway = sharedGateway();
const settings = proxySettings(gateway);
const admin = apiAsAdmin(gateway);
const rows = tenRows('held_rows');

function pending(text: string): Promise<RequestRow> {
  return eventually(`a request for ${text}`, async () =>
    (await admin.approvals.list.query({ status: 'open' })).items.find((item) => item.sql.includes(text)),
  );
}

async function becomes(id: string, status: RequestRow['status']): Promise<void> {
  await eventually(`${id} ${status}`, async () => (await admin.approvals.get.query({ id })).status === status);
}

describe('hold', () => {
  test('the NOTICE comes while the client waits; nothing runs before the approval; then the row count comes', async () => {
    const answer = rows.client.query('DELETE FROM held_rows WHERE id IN (1, 2, 3)');
    const request = await pending('DELETE FROM held_rows WHERE id IN (1, 2, 3)');
    const notice = await eventually('the NOTICE', async () => rows.client.notices.find((one) => one.message?.includes(request.id)));
    expect(notice).toMatchObject({ severity: 'NOTICE', code: '00000', message: `statement held for approval (${request.id})` });
    expect(notice.detail).toContain(request.rule);
    expect(notice.hint).toContain(request.id);
    expect(request).toMatchObject({
      status: 'pending',
      principalName: DEMO_AGENT,
      connectionName: 'shop',
      kind: 'DELETE',
      transactionStatus: 'I',
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await rows.count()).toBe(10);
    await admin.approvals.approve.mutate({ id: request.id });
    expect(await answer).toMatchObject({ command: 'DELETE', rowCount: 3 });
    expect(await rows.count()).toBe(7);
    await becomes(request.id, 'executed');
    expect((await rows.client.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);
  });

  test('the extended protocol waits too, and what runs has the parameters that were shown', async () => {
    const answer = rows.client.query('DELETE FROM held_rows WHERE id = $1 AND note <> $2', [4, 'keep']);
    const request = await pending('DELETE FROM held_rows WHERE id = $1');
    const detail = await admin.approvals.get.query({ id: request.id });
    expect(detail.parameters.map((parameter) => parameter.value)).toEqual(['4', 'keep']);
    await admin.approvals.approve.mutate({ id: request.id, reason: 'looks right' });
    expect((await answer).rowCount).toBe(1);
    expect((await rows.direct.query('SELECT 1 FROM held_rows WHERE id = 4')).rowCount).toBe(0);
  });

  test('a person may take longer than statement_timeout: in a transaction, and in a pipeline behind what has run', async () => {
    const patient = await open({ ...settings, options: '-c statement_timeout=400' });
    await patient.query('BEGIN');
    const inside = patient.query('DELETE FROM held_rows WHERE id = $1 AND true', [7]);
    const first = await pending('WHERE id = $1 AND true');
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    await admin.approvals.approve.mutate({ id: first.id });
    expect((await inside).rowCount).toBe(1);
    await patient.query('COMMIT');
    await patient.end();

    const wire = await WireClient.signIn({ ...settings, options: '-c statement_timeout=400' });
    const held = parse('DELETE FROM held_rows WHERE id = 8 AND true');
    wire.send(parse('SELECT 1'), bind(), execute(), held, bind(), execute(), sync());
    const second = await pending('WHERE id = 8 AND true');
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    await admin.approvals.approve.mutate({ id: second.id });
    expect(statusOf(await wire.until('Z'))).toBe('I');
    wire.send(terminate());
    expect(await rows.count()).toBe(8);
  });

  test('a rejection is 42501 with the reason, and nothing ran', async () => {
    const answer = failure(rows.client.query('DELETE FROM held_rows WHERE id = 5'));
    const request = await pending('WHERE id = 5');
    await admin.approvals.reject.mutate({ id: request.id, reason: 'Not during the sale.' });
    const error = await answer;
    expect(error).toMatchObject({ code: '42501', severity: 'ERROR', message: `statement rejected by reviewer (${request.id})` });
    expect(error.detail).toContain('Not during the sale.');
    expect(error.detail).toContain('Nothing was executed.');
    expect(await rows.count()).toBe(10);
    expect((await rows.client.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);
  });

  test('a rejection needs a reason', async () => {
    const answer = failure(rows.client.query('DELETE FROM held_rows WHERE id = 6'));
    const request = await pending('WHERE id = 6');
    await expect(admin.approvals.reject.mutate({ id: request.id, reason: '' })).rejects.toThrow();
    expect((await admin.approvals.get.query({ id: request.id })).status).toBe('pending');
    await admin.approvals.reject.mutate({ id: request.id, reason: 'end of test' });
    await answer;
  });

  test('the second decision is a conflict that says who was first', async () => {
    const answer = rows.client.query('DELETE FROM held_rows WHERE id = 7');
    const request = await pending('WHERE id = 7');
    await admin.approvals.approve.mutate({ id: request.id });
    await expect(admin.approvals.reject.mutate({ id: request.id, reason: 'too late' })).rejects.toThrow(/admin/);
    expect((await answer).rowCount).toBe(1);
  });

  test('two approvals at the same moment run it once', async () => {
    const bo = apiAs(
      gateway,
      await makePrincipal(admin, {
        name: 'e2e-second-reviewer',
        kind: 'human',
        groups: ['dba'],
        role: 'reviewer',
        email: 'second@example.com',
      }),
    );
    const answer = rows.client.query('DELETE FROM held_rows WHERE id IN (8, 9) RETURNING id');
    const request = await pending('IN (8, 9)');
    const outcomes = await Promise.allSettled([
      admin.approvals.approve.mutate({ id: request.id }),
      bo.approvals.approve.mutate({ id: request.id }),
    ]);
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled').length).toBeGreaterThanOrEqual(1);
    expect((await answer).rows).toHaveLength(2);
    const recorded = await storeRows(`SELECT status, rows::int FROM statements WHERE request_id = '${request.id}' AND status <> 'held'`, 1);
    expect(recorded.rows).toEqual([{ status: 'done', rows: 2 }]);
  });

  test('a write without bounds needs two people, and the client hears of the first', async () => {
    const second = apiAs(
      gateway,
      await makePrincipal(admin, {
        name: 'e2e-second-reviewer',
        kind: 'human',
        groups: ['dba'],
        role: 'reviewer',
        email: 'second@example.com',
      }),
    );
    const answer = rows.client.query("UPDATE held_rows SET note = 'all of them'");
    const request = await pending('all of them');
    expect(request).toMatchObject({ unbounded: true, required: 2, approvals: 0 });
    const advice = 'nothing bounds the rows that UPDATE changes in public.held_rows: pin held_rows.id to constants or parameters';
    expect(request.why).toBe(advice);
    await eventually('the NOTICE that says it', async () => rows.client.notices.some((notice) => notice.detail?.includes(advice)));
    await admin.approvals.approve.mutate({ id: request.id });
    await eventually('the second NOTICE', async () =>
      rows.client.notices.some((notice) => notice.message === `approval 1 of 2 received (${request.id})`),
    );
    await expect(admin.approvals.approve.mutate({ id: request.id })).rejects.toThrow();
    expect((await rows.direct.query("SELECT 1 FROM held_rows WHERE note = 'all of them'")).rowCount).toBe(0);
    await second.approvals.approve.mutate({ id: request.id });
    expect((await answer).rowCount).toBe(10);
  });

  test('nobody approves their own request: not the agent, nor its owner', async () => {
    const token = await makePrincipal(admin, {
      name: 'e2e-owner',
      kind: 'human',
      groups: ['dba'],
      role: 'reviewer',
      email: 'owner@example.com',
    });
    const agentToken = await makePrincipal(admin, {
      name: 'e2e-owned-agent',
      kind: 'agent',
      groups: ['agents', 'dba'],
      owner: 'e2e-owner',
    });
    const session = await open({ ...settings, user: 'e2e-owned-agent', password: agentToken });
    const answer = failure(session.query('DELETE FROM held_rows WHERE id = 10'));
    const request = await pending('WHERE id = 10');
    await expect(apiAs(gateway, token).approvals.approve.mutate({ id: request.id })).rejects.toThrow();
    await expect(apiAs(gateway, agentToken).approvals.approve.mutate({ id: request.id })).rejects.toThrow();
    expect((await apiAs(gateway, token).approvals.get.query({ id: request.id })).mayDecide.allowed).toBe(false);
    expect(await rows.count()).toBe(10);
    await admin.approvals.reject.mutate({ id: request.id, reason: 'end of test' });
    await answer;
    await session.end();
  });

  test('a member and the waiting agent itself cannot decide', async () => {
    const member = apiAs(
      gateway,
      await makePrincipal(admin, { name: 'e2e-member', kind: 'human', groups: ['support'], role: 'member', email: 'member@example.com' }),
    );
    const answer = failure(rows.client.query('DELETE FROM held_rows WHERE id = 1 AND true'));
    const request = await pending('id = 1 AND true');
    await expect(member.approvals.approve.mutate({ id: request.id })).rejects.toThrow();
    await expect(apiAs(gateway, demoToken(gateway)).approvals.approve.mutate({ id: request.id })).rejects.toThrow();
    await expect(apiAs(gateway, 'gh_at_not-a-token').approvals.approve.mutate({ id: request.id })).rejects.toThrow();
    expect((await admin.approvals.get.query({ id: request.id })).status).toBe('pending');
    await admin.approvals.reject.mutate({ id: request.id, reason: 'end of test' });
    await answer;
  });

  test('trap-22-cancel-while-held: a cancel while held is 57014, and the request is withdrawn', async () => {
    const answer = failure(rows.client.query('DELETE FROM held_rows WHERE id = 2'));
    const request = await pending('WHERE id = 2');
    const { processID, secretKey } = rows.client as unknown as { processID: number; secretKey: number };
    const canceller = await WireClient.connect(settings.port);
    const packet = Buffer.alloc(16);
    packet.writeInt32BE(16, 0);
    packet.writeInt32BE(80_877_102, 4);
    packet.writeInt32BE(processID, 8);
    packet.writeInt32BE(secretKey, 12);
    canceller.send(packet);
    await canceller.untilClosed();
    expect(await answer).toMatchObject({ code: '57014', message: 'canceling statement due to user request' });
    await becomes(request.id, 'withdrawn');
    await expect(admin.approvals.approve.mutate({ id: request.id })).rejects.toThrow();
    expect(await rows.count()).toBe(10);
    expect((await rows.client.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);
  });

  test('trap-52-client-gone-while-held: a client that leaves withdraws its request, cleanly or not', async () => {
    for (const [id, leave] of [
      [3, (one: WireClient) => one.socket.destroy()],
      [4, (one: WireClient) => one.socket.resetAndDestroy()],
    ] as const) {
      const leaving = await WireClient.signIn(settings);
      leaving.send(simpleQuery(`DELETE FROM held_rows WHERE id = ${id}`));
      const request = await pending(`WHERE id = ${id}`);
      leave(leaving);
      await becomes(request.id, 'withdrawn');
      await expect(admin.approvals.approve.mutate({ id: request.id })).rejects.toThrow();
    }
    expect(await rows.count()).toBe(10);
  });

  test('in a transaction the reviewer is told, and the approval runs in it', async () => {
    await rows.client.query('BEGIN');
    await rows.client.query("UPDATE held_rows SET note = 'changed' WHERE id = 1");
    const answer = rows.client.query('DELETE FROM held_rows WHERE id = 9');
    const request = await pending('WHERE id = 9');
    expect(request.transactionStatus).toBe('T');
    await admin.approvals.approve.mutate({ id: request.id });
    expect((await answer).rowCount).toBe(1);
    expect(await rows.count()).toBe(10);
    await rows.client.query('ROLLBACK');
    expect(await rows.count()).toBe(10);
  });

  test('a rejection in a transaction fails the transaction until ROLLBACK', async () => {
    rows.wire.send(simpleQuery('BEGIN'));
    await rows.wire.until('Z');
    rows.wire.send(simpleQuery('DELETE FROM held_rows WHERE id = 8'));
    const request = await pending('WHERE id = 8');
    await admin.approvals.reject.mutate({ id: request.id, reason: 'no' });
    expect(statusOf(await rows.wire.until('Z'))).toBe('E');
    rows.wire.send(simpleQuery('ROLLBACK'));
    expect(statusOf(await rows.wire.until('Z'))).toBe('I');
  });

  test('a hold in mid-pipeline answers what came before, waits, and then goes on', async () => {
    rows.wire.send(
      parse('SELECT 1'),
      bind(),
      execute(),
      parse('DELETE FROM held_rows WHERE id = 6 OR id = 7'),
      bind(),
      execute(),
      parse('SELECT 2'),
      bind(),
      execute(),
      sync(),
    );
    const request = await pending('id = 6 OR id = 7');
    await rows.wire.until('C');
    await admin.approvals.approve.mutate({ id: request.id });
    const answer = (await rows.wire.until('Z')).filter((message) => message.type !== 'N');
    expect(answer.map((message) => message.type).join('')).toBe('12C12DCZ');
    expect(await rows.count()).toBe(8);
  });

  test('the reason a client gives reaches the reviewer, and a switch that is not offered is refused', async () => {
    const withReason = await open({ ...settings, options: '-c gatehouse.reason=INC-42\\ erasure' } as typeof settings);
    const answer = failure(withReason.query('DELETE FROM held_rows WHERE id = 5'));
    const request = await pending('WHERE id = 5');
    expect(request.requesterReason).toBe('INC-42 erasure');
    await admin.approvals.reject.mutate({ id: request.id, reason: 'end of test' });
    await answer;
    expect((await withReason.query("SELECT current_setting('gatehouse.reason', true) AS upstream_saw")).rows).toEqual([
      { upstream_saw: null },
    ]);
    await withReason.end();
    expect(await failure(open({ ...settings, options: '-c gatehouse.on_hold=maybe' } as typeof settings))).toMatchObject({
      severity: 'FATAL',
      code: '0A000',
    });
  });

  test('an opaque statement is not let through', async () => {
    const answer = failure(rows.client.query("DO $$ BEGIN EXECUTE 'DELETE FROM held_rows'; END $$"));
    const request = await pending('DO $$ BEGIN');
    expect(await rows.count()).toBe(10);
    await admin.approvals.reject.mutate({ id: request.id, reason: 'opaque' });
    expect((await answer).code).toBe('42501');
    expect(await rows.count()).toBe(10);
  });

  test('a sessions kill ends a waiting client with 57P01 and withdraws', async () => {
    const answer = failure(rows.client.query('DELETE FROM held_rows WHERE id = 1'));
    const request = await pending('WHERE id = 1');
    const detail = await admin.approvals.get.query({ id: request.id });
    await admin.sessions.kill.mutate({ id: detail.sessionId, reason: 'test' });
    expect((await answer).code).toBe('57P01');
    await becomes(request.id, 'withdrawn');
    expect(await rows.count()).toBe(10);
  });
});

/** Rows of the store itself, once there are as many as expected. */
async function storeRows(sql: string, atLeast: number) {
  const store = await open(directSettings(gateway, 'gatehouse'));
  try {
    return await eventually(sql, async () => {
      const result = await store.query(sql);
      return result.rows.length >= atLeast && result;
    });
  } finally {
    await store.end();
  }
}

describe('a rule that changes while a statement waits', () => {
  let operator: Api;
  let before = '';
  beforeAll(async () => {
    operator = await apiAsOperator(gateway);
    before = (await operator.policy.export.query()).yaml;
  });
  afterEach(async () => {
    await operator.policy.applyYaml.mutate({ yaml: before, dryRun: false });
  });

  async function change(fields: { message?: string; approval?: object }): Promise<void> {
    const document = parseYaml(before) as { rules: { name: string; approval?: object }[] };
    const rule = document.rules.find(({ name }) => name === 'review-deletes') ?? expect.fail('no rule');
    Object.assign(rule, fields, { approval: { ...rule.approval, ...fields.approval } });
    await operator.policy.applyYaml.mutate({ yaml: stringify(document), dryRun: false });
  }

  test.each([
    ['asks for a passkey now: the approval without one counts for nothing', { approval: { passkey: 'required' } }, null],
    ['has another message: the approval stands', { message: 'Deletions are looked at.' }, 1],
  ])('%s', async (_name, fields, removed) => {
    const answer = rows.client.query('DELETE FROM held_rows WHERE id = 9').catch((error: ServerError) => error);
    const request = await pending('DELETE FROM held_rows WHERE id = 9');
    await change(fields);
    await admin.approvals.approve.mutate({ id: request.id });
    const said = await answer;
    if (removed === null) {
      expect(said).toMatchObject({ code: '42501', detail: 'The policy has changed while it was held; send it again.' });
      expect(await rows.count()).toBe(10);
      const again = failure(rows.client.query('DELETE FROM held_rows WHERE id = 9'));
      const asking = await pending('DELETE FROM held_rows WHERE id = 9');
      await expect(admin.approvals.approve.mutate({ id: asking.id })).rejects.toThrow(/passkey/);
      await admin.approvals.reject.mutate({ id: asking.id, reason: 'no' });
      expect((await again).code).toBe('42501');
    } else expect(said).toMatchObject({ command: 'DELETE', rowCount: removed });
  });
});
