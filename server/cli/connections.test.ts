import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliGateway, withCli } from './testing';

let gateway: CliGateway;
beforeAll(async () => {
  gateway = await withCli();
});
afterAll(() => gateway.close());

describe('connections test', () => {
  test('every stage passes for a plain role', async () => {
    const { code, out } = await gateway.run(['connections', 'test', 'crm', '--json']);
    const { stages } = JSON.parse(out) as { stages: { name: string; status: string; detail: string }[] };
    expect(code).toBe(0);
    expect(stages.map((stage) => `${stage.name} ${stage.status}`)).toEqual([
      'DNS ok',
      'TCP ok',
      'TLS ok',
      'sign-in ok',
      'version ok',
      'role ok',
      'catalog ok',
    ]);
  });

  test('a wrong password fails at sign-in, the rest is skipped, and the exit code says so', async () => {
    const broken = gateway.policy().replace('name: crm', 'name: wrong').replaceAll('[crm]', '[wrong]');
    await gateway.run(['apply', gateway.file('wrong.yaml', broken)], { APP_PASSWORD: 'nope' });
    const { code, out } = await gateway.run(['connections', 'test', 'wrong']);
    expect(code).toBe(1);
    expect(out).toMatch(/sign-in +failed .*Check user name and password/);
    expect(out).toMatch(/catalog +skipped/);
    await gateway.run(['apply', join(gateway.folder, 'policy.yaml')]);
  });

  test('nobody there', async () => {
    const closed = gateway.policy().replace(/port: \d+/, 'port: 1');
    await gateway.run(['apply', gateway.file('closed.yaml', closed)]);
    expect((await gateway.run(['connections', 'test', 'crm'])).out).toMatch(/TCP +failed .*Nothing listens there/);
    await gateway.run(['apply', join(gateway.folder, 'policy.yaml')]);
  });
});
