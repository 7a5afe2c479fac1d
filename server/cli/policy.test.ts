import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliGateway, withCli } from './testing';

let gateway: CliGateway;
beforeAll(async () => {
  gateway = await withCli({ applied: false });
});
afterAll(() => gateway.close());

describe('policy', () => {
  test('a dry run, then apply, then nothing more to do', async () => {
    const path = join(gateway.folder, 'policy.yaml');
    expect(await gateway.run(['apply', path, '--dry-run'])).toMatchObject({ code: 0, out: expect.stringContaining('+ connection crm\n') });
    expect((await gateway.run(['apply', path])).out).toContain('applied as version');
    expect(await gateway.run(['apply', path])).toMatchObject({ code: 0, out: 'no change\n' });
    expect((await gateway.run(['diff', path])).out).toBe('no change\n');
  });

  test('what is exported applies without change and without the environment', async () => {
    const { out } = await gateway.run(['export']);
    expect((await gateway.run(['apply', gateway.file('exported.yaml', out)], { APP_PASSWORD: undefined })).out).toBe('no change\n');
  });

  test('errors name line and column, one a line, and end with 1', async () => {
    const result = await gateway.run([
      'apply',
      gateway.file('broken.yaml', 'version: 1\ngroups: [a, a]\nrules:\n  - { name: r, action: deny, match: { statements: [DELET] } }'),
    ]);
    expect(result.code).toBe(1);
    expect(result.err).toBe(
      'gatehouse: line 4, column 52: rules[0].match.statements[0]: not a command word of PostgreSQL, e.g. DELETE, DROP TABLE, COPY PROGRAM\n',
    );
  });

  test('an unset variable is named', async () => {
    expect((await gateway.run(['apply', join(gateway.folder, 'policy.yaml')], { APP_PASSWORD: undefined })).err).toContain(
      `\${APP_PASSWORD} is not set`,
    );
  });
});
