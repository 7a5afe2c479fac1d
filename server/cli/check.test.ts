import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliGateway, withCli } from './testing';

let gateway: CliGateway;
beforeAll(async () => {
  gateway = await withCli();
});
afterAll(() => gateway.close());

describe('check', () => {
  const check = (sql: string, ...more: string[]) => gateway.run(['check', '--connection', 'crm', '--as', 'bot', sql, ...more]);
  test('an allowed, a held and a denied statement each end with 0', async () => {
    expect(await check('SELECT id FROM crm.orders')).toMatchObject({ code: 0, out: expect.stringMatching(/^allow: /) });
    expect(await check('DELETE FROM crm.orders WHERE id = 1')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^hold: [\s\S]*\* rule review-deletes/),
    });
    expect(await check('DROP TABLE crm.orders')).toMatchObject({ code: 0, out: expect.stringMatching(/^deny: [\s\S]*no-drop/) });
  });

  test('the strictest of several speaks for the text', async () => {
    expect((await check('SELECT 1; DROP TABLE crm.orders')).out).toMatch(/^deny: /);
  });

  test('masked columns are named', async () => {
    const { out } = await check('SELECT ssn FROM crm.customers', '--json');
    expect(JSON.parse(out)).toMatchObject({ statements: [{ masking: { state: 'resolved', columns: ['crm.customers.ssn'] } }] });
    expect(JSON.parse((await check('SELECT ssn::int FROM crm.customers', '--json')).out)).toMatchObject({ verdict: { action: 'deny' } });
  });

  test('each output column is explained: what it leaves as, the way to the base column, the rule', async () => {
    const { out } = await check('SELECT id, tax_id, lower(tax_id) FROM crm.contacts');
    expect(out.slice(out.indexOf('  masking'), out.indexOf('  - rule'))).toBe(
      `  masking  resolved: crm.contacts.tax_id, crm.customers.ssn
  output
    #  column  leaves as        because
    1  id      as it is         –
    2  tax_id  partial, last 4  crm.contacts.tax_id → crm.customers.ssn, rule pii (copied)
    3  lower   redacted         computed from crm.contacts.tax_id → crm.customers.ssn, rule pii
`,
    );
    const { statements } = JSON.parse((await check('SELECT tax_id FROM crm.contacts', '--json')).out);
    expect(statements[0].masking.outputs).toEqual([
      {
        name: 'tax_id',
        state: 'copied',
        leaves: 'partial, last 4',
        paths: [
          [
            { column: 'crm.contacts.tax_id', by: null },
            { column: 'crm.customers.ssn', by: 'view' },
          ],
        ],
        rules: ['pii'],
        instead: null,
        because: 'crm.contacts.tax_id → crm.customers.ssn, rule pii (copied)',
      },
    ]);
  });

  test('a refusal names the column, the construct and what to write instead', async () => {
    const { out } = await check("SELECT id FROM crm.customers WHERE ssn LIKE '1%'");
    expect(out).toMatch(/^deny: /);
    expect(out).toContain(
      `  masking  unresolved: crm.customers.ssn
  refused  masked column crm.customers.ssn would decide the result through LIKE; inference is guarded
  instead  Compare with = instead of LIKE, or ask an administrator for inference: open on masking rule "pii".
`,
    );
  });

  test('what a rule that observes would mask or refuse is said apart from what is masked', async () => {
    const shown = (await check('SELECT email, ssn FROM crm.customers')).out;
    expect(shown).toContain('1  email   as it is         –\n');
    expect(shown).toContain('1  email   email, first letter  crm.customers.email, rule mail (copied)\n');
    const refused = (await check('SELECT id FROM crm.customers ORDER BY email')).out;
    expect(refused).toMatch(/^allow: /);
    expect(refused).toContain('would be refused: masked column crm.customers.email would decide the result through ORDER BY');
    expect((await check('SELECT id FROM crm.customers')).out).not.toContain('observed');
  });

  test('what does not parse is denied, with its place', async () => {
    expect((await check('SELEC 1')).out).toMatch(/^deny: [\s\S]*at character 1/);
  });

  test('without access nothing is allowed', async () => {
    expect((await gateway.run(['check', '--connection', 'crm', '--as', 'ana', 'SELECT 1'])).out).toContain('no access entry lets ana');
  });
});
