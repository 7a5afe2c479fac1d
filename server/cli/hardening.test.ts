import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connections } from '../../db/schema/policy';
import { listActions } from '../audit/actions';
import { getEnforcement } from '../connections/enforcement';
import { listConnections } from '../connections/list';
import { CANARY, type CliGateway, withCli } from './testing';

let gateway: CliGateway;
beforeAll(async () => {
  gateway = await withCli();
});
afterAll(() => gateway.close());

describe('connections harden and verify', () => {
  const least = 'least_of_cli';
  const asRoot = (sql: string) => gateway.upstream.asRoot(sql);
  // With its owner's rights a view shows what the role may not read.
  beforeAll(() => asRoot('drop view crm.contacts'));
  const listed = async () => {
    const { enforcement } =
      (await listConnections(await gateway.db.as('auditor'))).find((row) => row.name === 'crm') ?? expect.fail('no crm');
    return enforcement;
  };

  test('harden prints SQL alone on standard output; verify says no before it is used and yes after', async () => {
    const harden = await gateway.run(['connections', 'harden', 'crm', '--role', least, '--schema', 'crm_masked']);
    expect(harden.code).toBe(0);
    expect(harden.out.startsWith('-- Gatehouse: least privilege for the connection crm')).toBe(true);
    expect(harden.out).toContain(`CREATE VIEW "crm_masked"."customers"`);
    expect(harden.err).toContain(`SQL for least_of_cli, like ${gateway.upstream.role} without 1 masked columns`);

    const before = await gateway.run(['connections', 'verify', 'crm']);
    expect(before.code).toBe(1);
    expect(before.out).toContain(`crm as ${gateway.upstream.role}: gateway-enforced`);
    expect(before.out).toContain('the role has SELECT on crm.customers.ssn');
    expect(await listed()).toMatchObject({ state: 'gateway', outdated: false, role: gateway.upstream.role, verifiedBy: 'root' });

    await asRoot(
      `${harden.out}; alter role ${least} password '${CANARY}'; revoke temporary on database ${gateway.upstream.host.pathname.slice(1)} from public`,
    );
    const hardened = gateway.policy().replace(`username: ${gateway.upstream.role}`, `username: ${least}`);
    await gateway.run(['apply', gateway.file('hardened.yaml', hardened)]);
    expect(await listed()).toMatchObject({ outdated: true });
    const after = await gateway.run(['connections', 'verify', 'crm', '--json']);
    expect(JSON.parse(after.out)).toMatchObject({ state: 'database', role: least, reasons: [], crossings: [], kept: true });
    expect(after.code).toBe(0);
    expect(await listed()).toMatchObject({ state: 'database', outdated: false, maskedColumns: 1, crossings: 0 });
    expect((await gateway.run(['connections', 'harden', 'crm', '--role', least])).err).toContain('--like ROLE');
  });

  test('what was proved lapses with the masking rules and with the catalog, and not with other changes', async () => {
    const [row] = await gateway.db.store.select().from(connections).where(eq(connections.name, 'crm'));
    const standing = async () => (await getEnforcement(await gateway.db.as('auditor'), { id: row?.id })).standing;
    const hardened = gateway.policy().replace(`username: ${gateway.upstream.role}`, `username: ${least}`);
    expect(await standing()).toBe('current');
    await gateway.run(['apply', gateway.file('more.yaml', hardened.replace('no-drop', 'never-drop'))]);
    expect([await standing(), (await listed())?.outdated]).toEqual(['current', false]);
    await gateway.run(['apply', gateway.file('stricter.yaml', hardened.replace('partial, keepLast: 4', 'redact'))]);
    expect([await standing(), (await listed())?.outdated]).toEqual(['outdated', true]);
    await gateway.run(['apply', gateway.file('hardened.yaml', hardened)]);
    expect(await standing()).toBe('current');
    await asRoot('alter table crm.orders add column note text');
    expect(await standing()).toBe('outdated');
    expect((await gateway.run(['connections', 'verify', 'crm'])).code).toBe(0);
    expect(await standing()).toBe('current');
  });

  test('what could cross makes the exit code 1, and is recorded with the verification', async () => {
    await asRoot(`create function crm.peek() returns text language sql security definer as 'select ssn from crm.customers'`);
    const { code, out } = await gateway.run(['connections', 'verify', 'crm']);
    expect(code).toBe(1);
    expect(out).toContain(`crm as ${least}: database-enforced except 1`);
    expect(out).toMatch(/function +crm.peek +SECURITY DEFINER, executable, and names customers/);
    const { items } = await listActions(await gateway.db.as('auditor'), {});
    expect(items[0]).toMatchObject({
      action: 'connection.verify',
      subject: 'crm',
      after: { state: 'except', crossings: ['function crm.peek'] },
    });
    await asRoot('drop function crm.peek()');
  });

  test('another role is asked about and not kept; one that does not exist is said so', async () => {
    await gateway.run(['apply', join(gateway.folder, 'policy.yaml')]);
    const { code, out } = await gateway.run(['connections', 'verify', 'crm', '--role', least, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ kept: false, state: 'gateway', role: least });
    expect((await listed())?.role).toBe(least);
    expect((await gateway.run(['connections', 'verify', 'crm', '--role', 'nobody'])).err).toContain('the role nobody does not exist');
    await asRoot(`drop owned by ${least}, ${least}_masks; drop role ${least}, ${least}_masks`);
  });
});
