import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Api, apiAsOperator, makePrincipal } from './api';
import { directSettings, failure, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';

/** What is answered has come to every worker: whoever connects right behind it meets it. There is no wait in this file. */

const ROUNDS = 12;
const gateway = sharedGateway();
const { host, port } = directSettings(gateway);
let admin: Api;
let before = '';
let token = '';

beforeAll(async () => {
  admin = await apiAsOperator(gateway);
  token = await makePrincipal(admin, { name: 'taken-up', kind: 'agent', groups: ['agents'] });
  before = (await admin.policy.export.query()).yaml;
});
afterAll(async () => {
  await admin.policy.applyYaml.mutate({ yaml: before, dryRun: false });
});

interface Document {
  connections: { name: string }[];
  access: object[];
  rules: object[];
}

function changed(change: (document: Document) => void): string {
  const document = parse(before) as Document;
  change(document);
  return stringify(document);
}

/** One connection to each worker, as far as the system's turn of accepting allows: several at once. */
async function readBy(database: string, sql: string): Promise<string[]> {
  const settings = proxySettings(gateway, { user: 'taken-up', password: token, database });
  return Promise.all(
    Array.from({ length: 4 }, async () => {
      const client = new pg.Client(settings);
      try {
        await client.connect();
        return String((await client.query(sql)).rows[0].said);
      } catch (error) {
        return (error as Error).message;
      } finally {
        await client.end().catch(() => undefined);
      }
    }),
  );
}

const four = (said: string) => [said, said, said, said];

describe('whoever connects behind the answer of', () => {
  test('an applied document finds its new connection', async () => {
    const met: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const name = `taken-up-${round}`;
      const yaml = changed((document) => {
        const shop = document.connections.find((one) => one.name === 'shop');
        document.connections.push({
          ...shop,
          ...{ name, host, port, username: 'gatehouse', password: directSettings(gateway).password, superuser: 'allow' },
        });
        document.access.push({ connections: [name], groups: ['agents'] });
      });
      const { warnings } = await admin.policy.applyYaml.mutate({ yaml, dryRun: false });
      expect(warnings.join()).not.toContain('taken up');
      met.push(...(await readBy(name, "SELECT 'in' AS said")));
    }
    expect(met).toEqual(Array.from({ length: ROUNDS }, () => four('in')).flat());
  }, 120_000);

  test('a rule that is made and taken away is denied, and is not', async () => {
    const met: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const { id } = await admin.rules.save.mutate({
        ...{ name: 'taken-up-rule', connections: ['shop'], action: 'deny', message: 'taken up', match: { sql: 'taken_up_word' } },
      });
      met.push(
        ...(await readBy('shop', "SELECT 'taken_up_word' AS said")).map((said) => (said.includes('denied by rule') ? 'denied' : said)),
      );
      await admin.rules.remove.mutate({ id });
      met.push(...(await readBy('shop', "SELECT 'taken_up_word' AS said")));
    }
    expect(met).toEqual(Array.from({ length: ROUNDS }, () => [...four('denied'), ...four('taken_up_word')]).flat());
  }, 120_000);

  test('a token that is made is let in, and revoked it is not', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const made = await admin.tokens.create.mutate({ principal: 'taken-up', label: 'round', ttlMs: 60_000 });
      const client = await open(proxySettings(gateway, { user: 'taken-up', password: made.secret }));
      await admin.tokens.revoke.mutate({ id: made.id });
      await failure(client.query('SELECT 1'));
      await client.end().catch(() => undefined);
    }
  }, 120_000);

  test('new groups of a principal are those of its open session', async () => {
    const met: string[] = [];
    const { id } = await admin.rules.save.mutate({
      ...{
        name: 'taken-up-support',
        connections: ['shop'],
        groups: ['support'],
        action: 'deny',
        message: 'taken up',
        match: { sql: 'taken_up_word' },
      },
    });
    const client = await open(proxySettings(gateway, { user: 'taken-up', password: token }));
    const principal = (await admin.principals.list.query()).find(({ name }) => name === 'taken-up');
    const said = () =>
      client.query("SELECT 'taken_up_word' AS said").then(
        ({ rows }) => rows[0].said,
        (error: Error) => error.message,
      );
    for (let round = 0; round < ROUNDS; round++)
      for (const groups of [['agents', 'support'], ['agents']]) {
        await admin.principals.save.mutate({ id: principal?.id ?? '', name: 'taken-up', kind: 'agent', groups });
        met.push((await said()).includes('denied by rule') ? 'denied' : 'read');
      }
    await client.end();
    await admin.rules.remove.mutate({ id });
    expect(met).toEqual(Array.from({ length: ROUNDS }, () => ['denied', 'read']).flat());
  }, 120_000);
});
