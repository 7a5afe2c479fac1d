import { spawn, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RequestRow } from '../server/approvals/shape';
import { apiAsAdmin, apiAsOperator } from './api';
import { gatehouse } from './cli';
import { eventually, failure, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';
import { tenRows } from './tenRows';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
const rows = tenRows('impact_rows');
const RULES = ['impact-commit', 'impact-measured'];

let operator: Awaited<ReturnType<typeof apiAsOperator>>;
beforeAll(async () => {
  // Nobody decides under a rule of their own.
  operator = await apiAsOperator(gateway);
  await operator.rules.save.mutate({
    name: 'impact-commit',
    match: { tables: ['public.impact_rows'], statements: ['UPDATE'], sql: 'at_commit' },
    action: 'hold',
    approval: { groups: [], count: 1, expiresInMs: 600_000, at: 'commit' },
  });
  await operator.rules.save.mutate({
    name: 'impact-measured',
    match: { tables: ['public.impact_rows'], sql: 'measured_by_rule' },
    action: 'hold',
    approval: { groups: [], count: 1, expiresInMs: 600_000, dryRun: true, tolerance: { rows: 1 } },
  });
});
afterAll(async () => {
  for (const rule of await operator.rules.list.query()) if (RULES.includes(rule.name)) await operator.rules.remove.mutate({ id: rule.id });
});

const pending = (text: string): Promise<RequestRow> =>
  eventually(`a request for ${text}`, async () =>
    (await admin.approvals.list.query({ status: 'open' })).items.find((item) => item.sql.includes(text)),
  );

describe('impact of a held statement', () => {
  test('measured on a click: exact rows, masked samples, nothing stands; released within it', async () => {
    const answer = rows.client.query('DELETE FROM impact_rows WHERE id IN ($1, $2)', [1, 2]);
    const { id } = await pending('DELETE FROM impact_rows');
    const impact = await admin.approvals.preview.query({ id });
    expect(impact).toMatchObject({ against: [], transaction: { openMs: null } });
    expect(impact?.touched.tables.map(({ name, written }) => [name, written])).toContainEqual(['public.impact_rows', true]);
    expect(impact?.estimate?.rows).toBeGreaterThan(0);
    const { measured, mostRows } = await admin.approvals.measure.mutate({ id });
    expect(measured).toMatchObject({ kind: 'measured', rows: 2, tables: [{ table: 'public.impact_rows', deleted: 2 }] });
    expect(mostRows).toBe(2);
    expect(await rows.count()).toBe(10);
    const shown = await gatehouse(gateway, ['approvals', 'show', id]);
    expect(shown.stdout).toContain('measured    2 rows by a dry run that was rolled back');
    expect(shown.stdout).toContain('rolled back above 2 rows');
    await admin.approvals.approve.mutate({ id });
    expect((await answer).rowCount).toBe(2);
    expect(await rows.count()).toBe(8);
  });

  test('more rows than the preview when it is released: rolled back, with both figures', async () => {
    const answer = failure(rows.client.query(`DELETE FROM impact_rows WHERE id IN (3, 4) AND note = 'row 3'`));
    const { id } = await pending(`note = 'row 3'`);
    await eventually(
      'measured',
      async () => (await admin.approvals.measure.mutate({ id }).catch(() => null))?.measured?.kind === 'measured',
    );
    await rows.direct.query(`UPDATE impact_rows SET note = 'row 3' WHERE id = 4`);
    await admin.approvals.approve.mutate({ id });
    const error = await answer;
    expect(error).toMatchObject({ code: '42501', message: expect.stringContaining('changed more than was approved') });
    expect(error.detail).toContain('The preview was 1 row, now it is 2.');
    expect(await rows.count()).toBe(10);
    expect((await rows.client.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);
  });

  test('a rule measures by itself, by the search_path and settings of the session', async () => {
    await rows.client.query(`SET search_path = public; SET application_name = 'x'`);
    const answer = rows.client.query(`UPDATE impact_rows SET note = 'measured_by_rule' WHERE id IN (1, 2, 3)`);
    const { id } = await pending('measured_by_rule');
    await eventually('measured', async () => (await admin.approvals.get.query({ id })).measured?.kind === 'measured');
    const { measured, mostRows } = await admin.approvals.get.query({ id });
    expect(measured).toMatchObject({ by: 'gatehouse', rows: 3 });
    expect(mostRows).toBe(4);
    await admin.approvals.approve.mutate({ id });
    expect((await answer).rowCount).toBe(3);
  });

  test('inside a transaction with changes of its own it is refused with the reason', async () => {
    await rows.client.query('BEGIN');
    await rows.client.query(`INSERT INTO impact_rows VALUES (11, 'mine')`);
    const answer = failure(rows.client.query('DELETE FROM impact_rows WHERE id = 11'));
    const { id } = await pending('id = 11');
    const impact = await admin.approvals.preview.query({ id });
    expect(impact?.transaction?.changed).toBe(true);
    expect(impact?.against.join()).toContain('changes that nobody else sees yet');
    await admin.approvals.reject.mutate({ id, reason: 'end of test' });
    await answer;
    await rows.client.query('ROLLBACK');
  });
});

describe('approval at COMMIT', () => {
  test('the statements run, the COMMIT waits, the reviewer sees all of it and the net change', async () => {
    await rows.client.query('BEGIN');
    await rows.client.query(`INSERT INTO impact_rows VALUES (12, 'new')`);
    expect((await rows.client.query(`UPDATE impact_rows SET note = 'at_commit' WHERE id IN (1, 2, 3, 4, 5)`)).rowCount).toBe(5);
    await rows.client.query('SAVEPOINT a');
    await rows.client.query(`UPDATE impact_rows SET note = note || '!' WHERE id = 12`);
    const commit = rows.client.query('COMMIT');
    const request = await pending('COMMIT');
    const detail = await admin.approvals.get.query({ id: request.id });
    expect(detail).toMatchObject({ kind: 'COMMIT', rule: 'impact-commit', transactionStatus: 'T' });
    expect(detail.heldTransaction?.tables).toEqual([{ table: 'public.impact_rows', inserted: 0, updated: 6, deleted: 0 }]);
    expect(detail.heldTransaction?.statements.map(({ sql, rule, rows: changed }) => [sql.split(' ')[0], rule, changed])).toEqual([
      ['INSERT', null, 1],
      ['UPDATE', 'impact-commit', 5],
      ['UPDATE', null, 1],
    ]);
    expect(detail.expiresAt.getTime() - Date.now()).toBeLessThanOrEqual(300_000);
    const preview = await admin.approvals.preview.query({ id: request.id });
    expect(preview).toMatchObject({ estimate: null, noEstimate: 'its statements have run already', against: [] });
    expect((await rows.direct.query(`SELECT 1 FROM impact_rows WHERE note = 'at_commit'`)).rowCount).toBe(0);
    await admin.approvals.approve.mutate({ id: request.id });
    expect((await commit).command).toBe('COMMIT');
    expect((await rows.direct.query(`SELECT 1 FROM impact_rows WHERE note = 'at_commit'`)).rowCount).toBe(5);
    const recorded = await eventually('the statements of the transaction by the name of who approved', async () => {
      const { items } = await admin.audit.search.query({ q: 'reviewer:* kind:UPDATE at_commit' });
      return items.length > 0 ? items : undefined;
    });
    expect(recorded.map(({ sql }) => sql)).toEqual([`UPDATE impact_rows SET note = 'at_commit' WHERE id IN (1, 2, 3, 4, 5)`]);
    const update = await admin.audit.get.query({ id: recorded[0]?.id ?? '' });
    expect(update.approval).toMatchObject({ id: request.id, atCommit: true, status: 'executed', decisions: [{ decision: 'approve' }] });
  });

  test('rejected: rolled back, status I, and the session goes on; disconnected: rolled back', async () => {
    await rows.client.query('BEGIN');
    await rows.client.query(`UPDATE impact_rows SET note = 'at_commit' WHERE id = 1`);
    const commit = failure(rows.client.query('END'));
    const request = await pending('END');
    await admin.approvals.reject.mutate({ id: request.id, reason: 'Not now' });
    const error = await commit;
    expect(error.detail).toBe('admin: Not now. Its transaction was rolled back; nothing of it stands.');
    expect((await rows.client.query('SELECT pg_current_xact_id_if_assigned() AS x')).rows).toEqual([{ x: null }]);
    const other = await open(proxySettings(gateway));
    await other.query('BEGIN');
    await other.query(`UPDATE impact_rows SET note = 'at_commit' WHERE id = 2`);
    const left = other.query('COMMIT').catch(() => null);
    const gone = await pending('COMMIT');
    await other.end().catch(() => undefined);
    await left;
    await eventually('withdrawn', async () => (await admin.approvals.get.query({ id: gone.id })).status === 'withdrawn');
    await eventually(
      'unlocked',
      async () => (await rows.direct.query('SELECT 1 FROM impact_rows WHERE id = 2 FOR UPDATE NOWAIT').catch(() => null)) !== null,
    );
    expect((await rows.direct.query(`SELECT 1 FROM impact_rows WHERE note = 'at_commit'`)).rowCount).toBe(0);
  });

  test('on_hold=error: rolled back, and the same transaction with the same changes commits once when it was approved', async () => {
    const client = await open({ ...proxySettings(gateway), options: '-c gatehouse.on_hold=error' });
    const transaction = async () => {
      await client.query('BEGIN');
      await client.query(`UPDATE impact_rows SET note = 'at_commit' WHERE id IN (1, 2) AND note LIKE 'row%'`);
      return client.query('COMMIT');
    };
    const error = await failure(transaction());
    expect(error).toMatchObject({ code: '57000' });
    expect(error.detail).toContain('Its transaction was rolled back; nothing of it stands.');
    const { id } = await pending('-- changed public.impact_rows: 0 inserted, 2 updated, 0 deleted');
    await admin.approvals.approve.mutate({ id });
    // Another count is another request.
    await rows.direct.query(`UPDATE impact_rows SET note = 'moved' WHERE id = 2`);
    const other = await failure(transaction());
    expect(other.code).toBe('57000');
    expect(other.message).not.toContain(id);
    await rows.direct.query(`UPDATE impact_rows SET note = 'row 2' WHERE id = 2`);
    expect((await transaction()).command).toBe('COMMIT');
    expect((await rows.direct.query(`SELECT 1 FROM impact_rows WHERE note = 'at_commit'`)).rowCount).toBe(2);
    for (const item of (await admin.approvals.list.query({ status: 'open' })).items)
      await admin.approvals.reject.mutate({ id: item.id, reason: 'end of test' });
    await client.end();
  });

  test('in one batch of the protocol: BEGIN, UPDATE and COMMIT are held before the UPDATE, as outside a transaction', async () => {
    const answer = rows.client.query(`BEGIN; UPDATE impact_rows SET note = 'at_commit' WHERE id = 1; COMMIT`);
    const { id } = await pending('at_commit');
    expect((await admin.approvals.get.query({ id })).heldTransaction).toBeNull();
    await admin.approvals.approve.mutate({ id });
    await answer;
    expect((await rows.direct.query(`SELECT 1 FROM impact_rows WHERE note = 'at_commit'`)).rowCount).toBe(1);
  });

  test.skipIf(spawnSync('psql', ['--version']).status !== 0)('with psql (needs psql on PATH)', async () => {
    const child = spawn('/bin/sh', ['-c', `${gateway.psqlLine} -X -v ON_ERROR_STOP=0`], {
      env: {
        ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^PG[A-Z]+$/.test(name))),
        NODE_ENV: process.env.NODE_ENV,
      },
    });
    let said = '';
    child.stdout.on('data', (chunk) => (said += chunk));
    child.stderr.on('data', (chunk) => (said += chunk));
    child.stdin.end(`BEGIN;\nUPDATE impact_rows SET note = 'at_commit' WHERE id = 7;\nCOMMIT;\nSELECT 'still ' || 'here';\n`);
    const closed = new Promise((resolve) => child.on('close', resolve));
    const { id } = await pending('COMMIT');
    expect(said).toContain('UPDATE 1');
    await admin.approvals.reject.mutate({ id, reason: 'No' });
    await closed;
    expect(said).toContain('statement held for approval');
    expect(said).toContain(`ERROR:  statement rejected by reviewer (${id})`);
    expect(said).toContain('nothing of it stands');
    expect(said).toContain('still here');
    expect((await rows.direct.query(`SELECT 1 FROM impact_rows WHERE note = 'at_commit'`)).rowCount).toBe(0);
  });
});
