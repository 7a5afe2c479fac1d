import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { actions } from '../../db/schema/audit';
import { connections, policyState } from '../../db/schema/policy';
import { open } from '../../db/secrets';
import { createPolicyHeld } from '../boot/policyHeld';
import { ServiceError } from '../errors';
import { systemActor } from '../identity/actor';
import { listRules } from '../rules/list';
import { saveRule } from '../rules/save';
import { type Runtime, setRuntime } from '../runtime';
import { type TestStore, withStore } from '../testing';
import { applyDocument, applyPolicy } from './apply';
import { exportDocument } from './export';
import { effective } from './plan';
import { SAMPLE } from './sample';

const CANARY = 'canary-password-7731';
let db: TestStore;

beforeAll(async () => {
  db = await withStore();
});
afterAll(() => db.close());

const apply = (yaml: string, options: { dryRun?: boolean; env?: Record<string, string> } = {}) =>
  applyPolicy(db.store, {
    yaml,
    env: options.env ?? { SHOP_PASSWORD: CANARY },
    actor: systemActor,
    secretKey: db.secretKey,
    dryRun: options.dryRun ?? false,
  });

function gatewayAt(consoleUrl: string, workers?: Runtime['workers']) {
  const runtime = { store: db.store, storeUrl: db.url, secretKey: db.secretKey, dataDir: '/nowhere', gatewayId: 'gw_test', consoleUrl };
  setRuntime({ ...runtime, ...(workers === undefined ? {} : { workers }) });
}

/** A gateway with one worker that has come so far. */
function withWorkerAt(versionOfWorker: number) {
  const workers = createPolicyHeld<string>();
  workers.said('w1', { version: versionOfWorker, accessVersion: 0 });
  gatewayAt('http://localhost', { untilHeld: (wanted) => workers.until(wanted, 100) });
}

const call = () => ({ store: db.store, secretKey: db.secretKey, actor: systemActor });
const version = async () => (await db.store.select().from(policyState))[0]?.version;

describe('apply', () => {
  test('a dry run says what it would do and does nothing', async () => {
    const result = await apply(SAMPLE, { dryRun: true });
    expect(result.changes).toContainEqual({ kind: 'connection', name: 'shop', change: 'create', fields: [] });
    expect(await db.store.select().from(connections)).toEqual([]);
  });

  test('the sample applies once, then changes nothing', async () => {
    const first = await apply(SAMPLE);
    expect(effective(first.changes).every((change) => change.change === 'create')).toBe(true);
    expect(first.version).toBe(2);
    const again = await apply(SAMPLE);
    expect(effective(again.changes)).toEqual([]);
    expect(await version()).toBe(2);
  });

  test('the password is sealed, opens with the key, and appears in nothing that is shown', async () => {
    const [row] = await db.store.select().from(connections);
    if (row?.passwordSealed == null) throw new Error('no password stored');
    expect(open(db.secretKey, row.passwordSealed, row.id)).toBe(CANARY);
    const shown = JSON.stringify([
      await exportDocument(call()),
      await db.store.select().from(actions),
      await apply(SAMPLE, { dryRun: true }),
    ]);
    expect(shown).not.toContain(CANARY);
    expect(shown).not.toContain(row.passwordSealed);
  });

  test('what is exported, applied, changes nothing and needs no environment', async () => {
    const { yaml } = await exportDocument(call());
    const result = await apply(yaml, { env: {} });
    expect(effective(result.changes)).toEqual([]);
    const [row] = await db.store.select().from(connections);
    expect(row?.passwordSealed).not.toBeNull();
  });

  test('a change names its fields; a changed password is a field like any other', async () => {
    const changed = SAMPLE.replace('default: allow', 'default: deny');
    const result = await apply(changed, { env: { SHOP_PASSWORD: 'another' } });
    expect(effective(result.changes)).toEqual([{ kind: 'connection', name: 'shop', change: 'update', fields: ['default', 'password'] }]);
    await apply(SAMPLE);
  });

  test('a kept password does not follow its connection to another host', async () => {
    const { yaml } = await exportDocument(call());
    const elsewhere = yaml.replace('host: 127.0.0.1', 'host: evil.example');
    await expect(apply(elsewhere)).rejects.toMatchObject({
      details: { policy: [{ line: 3, path: 'connections[0]', message: expect.stringContaining('give the password again') }] },
    });
  });

  test('what an approval says of COMMIT, dry runs, tolerance and passkeys comes back from an export', async () => {
    for (const [approval, shown] of [
      ['at: commit, dryRun: true, tolerance: 2.5%', 'tolerance: 2.5%'],
      ['tolerance: 3', 'tolerance: 3'],
      ['passkey: required', 'passkey: required'],
    ] as const) {
      const changed = SAMPLE.replace('count: 1, expiresIn: 15m', `count: 1, expiresIn: 15m, ${approval}`);
      expect(effective((await apply(changed)).changes)).toHaveLength(1);
      const { yaml } = await exportDocument(call());
      expect(yaml).toContain(shown);
      expect(effective((await apply(changed)).changes)).toEqual([]);
    }
    await apply(SAMPLE);
  });

  test('every limit of a connection, and functionCall, come back from an export', async () => {
    const fields =
      'maxBytes: 1000000, maxCost: 5000.5, lockTimeout: 5s, maxStatementBytes: 65536, maxMessageBytes: 1048576, idleTimeout: 10m, idleInTransactionTimeout: 30s';
    const limited = SAMPLE.replace('maxSessions: 50 }', `maxSessions: 50, ${fields} }\n    functionCall: judge`);
    const result = await apply(limited);
    expect(effective(result.changes)).toEqual([{ kind: 'connection', name: 'shop', change: 'update', fields: ['functionCall', 'limits'] }]);
    const { yaml } = await exportDocument(call());
    for (const field of fields.split(', ')) expect(yaml).toContain(field);
    expect(yaml).toContain('functionCall: judge');
    expect(effective((await apply(limited)).changes)).toEqual([]);
    await apply(SAMPLE);
  });

  test('budgets of a principal are kept, exported, and checked', async () => {
    const budgets = '{ perHour: { statements: 100, rows: 5000 }, perDay: { maskedValues: 20 } }';
    const limited = SAMPLE.replace('owner: ana, groups: [agents] }', `owner: ana, groups: [agents], limits: ${budgets} }`);
    expect(effective((await apply(limited)).changes)).toEqual([
      { kind: 'principal', name: 'support-bot', change: 'update', fields: ['limits'] },
    ]);
    const { yaml } = await exportDocument(call());
    expect(effective((await apply(yaml, { env: {} })).changes)).toEqual([]);
    await expect(apply(limited.replace('statements: 100', 'statements: 0'))).rejects.toThrow('perHour.statements');
    await expect(apply(limited.replace('perDay', 'perWeek'))).rejects.toThrow('unknown field perWeek');
    await apply(SAMPLE);
  });

  test('rows are not counted where a rule only observes, and apply says so', async () => {
    const observing = SAMPLE.replace('maxAffectedRows: 100 }', 'maxAffectedRows: 100 }\n    mode: observe');
    expect((await apply(observing)).warnings.join()).toContain('rule blast-radius: changed rows are not counted in mode observe');
    expect((await apply(SAMPLE)).warnings.join()).not.toContain('blast-radius');
  });

  test('a principal’s limits are kept, exported, and removed with their field', async () => {
    const limited = SAMPLE.replace('owner: ana, groups: [agents] }', 'owner: ana, groups: [agents], limits: { maxSessions: 5 } }');
    const result = await apply(limited);
    expect(effective(result.changes)).toEqual([{ kind: 'principal', name: 'support-bot', change: 'update', fields: ['limits'] }]);
    const { yaml } = await exportDocument(call());
    expect(yaml).toMatch(/support-bot[^-]*limits:\s*\{?\s*maxSessions: 5/);
    expect(effective((await apply(yaml, { env: {} })).changes)).toEqual([]);
    await expect(apply(limited.replace('{ maxSessions: 5 }', '{ maxSessions: 0 }'))).rejects.toThrow('maxSessions');
    await expect(apply(limited.replace('{ maxSessions: 5 }', '{ maxRows: 5 }'))).rejects.toThrow('unknown field maxRows');
    expect(effective((await apply(SAMPLE)).changes)).toEqual([
      { kind: 'principal', name: 'support-bot', change: 'update', fields: ['limits'] },
    ]);
  });

  test('how access can be asked for, and who somebody is in Slack, come back from an export and go with their fields', async () => {
    const yaml = SAMPLE.replace(
      '    limits: { maxRows',
      '    requestable: { groups: [dba], count: 2, maxDuration: 90m }\n    limits: { maxRows',
    ).replace('name: bo, kind: human,', 'name: bo, kind: human, slackUserId: U024BE7LH,');
    expect(effective((await apply(yaml)).changes).map(({ name, fields }) => [name, fields])).toEqual([
      ['shop', ['requestable']],
      ['bo', ['slackUserId']],
    ]);
    expect((await apply(yaml)).warnings).toContain(
      'connection shop needs 2 reviewers to give access and the document names 1: requests can only expire',
    );
    const { yaml: exported } = await exportDocument(call());
    expect(exported).toContain('maxDuration: 90m');
    expect(effective((await apply(exported)).changes)).toEqual([]);
    expect((await db.store.select().from(connections))[0]?.requestable).toEqual({ groups: ['dba'], count: 2, maxDurationMs: 5_400_000 });
    expect(effective((await apply(SAMPLE)).changes).map(({ fields }) => fields)).toEqual([['requestable'], ['slackUserId']]);
    expect((await db.store.select().from(connections))[0]?.requestable).toBeNull();
  });

  test('moving a rule is a change; so is removing one', async () => {
    const { yaml } = await exportDocument(call());
    const start = yaml.indexOf('  - name: legacy-pattern');
    const last = yaml.slice(start);
    const moved = yaml.slice(0, start).replace('rules:\n', `rules:\n${last}`);
    const result = await apply(moved);
    expect(effective(result.changes).map((change) => change.fields)).toContainEqual(['position']);
    const removed = await apply(yaml.slice(0, start));
    expect(effective(removed.changes)).toContainEqual({ kind: 'rule', name: 'legacy-pattern', change: 'delete', fields: [] });
    await apply(yaml);
  });

  test('a principal that is left out is disabled, and comes back when it is named again', async () => {
    const without = SAMPLE.replace(/ {2}- \{ name: support-bot.*\n/, '');
    expect(effective((await apply(without)).changes)).toEqual([{ kind: 'principal', name: 'support-bot', change: 'disable', fields: [] }]);
    expect(effective((await apply(without)).changes)).toEqual([]);
    expect(effective((await apply(SAMPLE)).changes)).toEqual([
      { kind: 'principal', name: 'support-bot', change: 'update', fields: ['disabled'] },
    ]);
  });

  test('whoever applies a document is not locked out by it', async () => {
    const admin = await db.as('admin', { name: 'root' });
    const result = await applyPolicy(db.store, {
      yaml: SAMPLE,
      env: { SHOP_PASSWORD: CANARY },
      actor: admin.actor,
      secretKey: db.secretKey,
      dryRun: false,
    });
    expect(result.changes).toContainEqual({ kind: 'principal', name: 'root', change: 'none', fields: [] });
    expect(result.warnings.join('\n')).toContain('principal root is not in the document and is kept');
  });

  test('an invalid document touches nothing', async () => {
    const before = await version();
    await expect(apply(SAMPLE.replace('groups: [dba], count: 1', 'groups: [nobody], count: 1'))).rejects.toThrow(ServiceError);
    expect(await version()).toBe(before);
  });

  test('concurrent applies serialise: the version moves once for one change', async () => {
    const before = (await version()) ?? 0;
    const changed = SAMPLE.replace('maxSessions: 50', 'maxSessions: 51');
    const results = await Promise.all(Array.from({ length: 8 }, () => apply(changed)));
    expect(results.filter((result) => effective(result.changes).length > 0)).toHaveLength(1);
    expect(await version()).toBe(before + 1);
    const entries = await db.store
      .select()
      .from(actions)
      .where(eq(actions.subject, `version ${before + 1}`));
    expect(entries).toHaveLength(1);
  });

  test('answers when the workers go by it; one that is late does not make it fail, and is said', async () => {
    const env = { SHOP_PASSWORD: CANARY };
    const limited = (sessions: number) => SAMPLE.replace('maxSessions: 50', `maxSessions: ${sessions}`);
    const next = ((await version()) ?? 0) + 1;
    const late = expect.stringContaining('stored, and still being taken up');
    withWorkerAt(next);
    expect((await applyDocument(call(), { yaml: limited(60), env })).warnings).not.toContainEqual(late);
    withWorkerAt(next);
    const result = await applyDocument(call(), { yaml: limited(61), env });
    expect(result).toMatchObject({ version: next + 1, warnings: expect.arrayContaining([late]) });
    expect(await version()).toBe(next + 1);
    expect((await applyDocument(call(), { yaml: limited(62), env, dryRun: true })).warnings).not.toContainEqual(late);
  });

  test('a rule that asks for a passkey where none can be used is applied, and said', async () => {
    const asking = SAMPLE.replace('groups: [dba], count: 1, expiresIn: 15m', '$&, passkey: required');
    const said = expect.stringMatching(/^rule review-deletes asks for a passkey, .* passkeys need https/);
    gatewayAt('http://gate.corp.example');
    expect((await apply(asking, { dryRun: true })).warnings).toContainEqual(said);
    const applied = await apply(asking);
    expect(applied.warnings).toContainEqual(said);
    expect(effective(applied.changes)).toContainEqual({ kind: 'rule', name: 'review-deletes', change: 'update', fields: ['approval'] });
    const rule = (await listRules(call())).find(({ name }) => name === 'review-deletes') ?? expect.fail('no rule');
    expect((await saveRule(call(), { ...rule, message: 'Ask.' })).warnings).toContainEqual(said);
    gatewayAt('https://gate.corp.example');
    expect((await apply(asking)).warnings).not.toContainEqual(said);
  });
});
