import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { approvalGrants, approvalRequests } from '../../db/schema/approvals';
import { sessions } from '../../db/schema/audit';
import { identities, identityProviders, principals } from '../../db/schema/identity';
import { passkeys } from '../../db/schema/passkeys';
import { policyState } from '../../db/schema/policy';
import { approveAccess } from '../accessRequests/decide';
import { requestAccess } from '../accessRequests/request';
import { recordStatements } from '../audit/testing';
import type { Call } from '../identity/actor';
import { contentOf, EVERYBODY, everybody, type Person, type Who } from '../identity/testing';
import { applyDocument } from '../policy/apply';
import { exportDocument } from '../policy/export';
import { writeLog } from '../record/testing';
import { createToken } from '../tokens/create';
import { keepLogin } from './keptLogins';
import { createProgram } from './run';
import { CANARY, type CliGateway, withCli } from './testing';

/** ok: it did what it says. NO_TOKEN: it did not ask the gateway. Anything else is the code of the refusal. */
type Answer = 'ok' | 'NO_TOKEN' | 'UNAUTHORIZED' | 'FORBIDDEN' | 'NOT_FOUND' | 'INVALID' | 'USAGE' | 'CONFLICT';
type ByRole = [admin: Answer, reviewer: Answer, auditor: Answer, member: Answer];

interface Row {
  answers: ByRole;
  /** Arguments behind the command's name; whatever they name is made for each run anew. */
  args?: (who: Who) => string[] | Promise<string[]>;
  /** Where it is done, the store is another afterwards. */
  changes?: true;
  /** Of those who cannot use the API; UNAUTHORIZED where it is not said. */
  others?: Partial<Record<Who, Answer>>;
}

const ALL: ByRole = ['ok', 'ok', 'ok', 'ok'];
const READERS: ByRole = ['ok', 'ok', 'ok', 'FORBIDDEN'];
const ADMIN: ByRole = ['ok', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'];
/** Reads nothing but files of this machine. */
const OFFLINE = Object.fromEntries(EVERYBODY.slice(4).map((who) => [who, 'ok' as const]));

let gateway: CliGateway;
const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-roles-'));
let root: Call;
let people: Record<Who, Person>;
/** Those who fail to sign in are counted at each. */
let address: string;
let count = 0;
/** What the last one asked left: nobody else is there to change it. */
let content: Record<string, string>;

const TABLE: Record<string, Row> = {
  // The policy.
  apply: { answers: ADMIN, args: () => changedPolicy(), changes: true },
  diff: { answers: ADMIN, args: () => changedPolicy() },
  export: { answers: READERS },
  'sign-in': { answers: ADMIN, changes: true },
  check: { answers: READERS, args: () => ['--connection', 'crm', '--as', 'bot', 'SELECT 1'] },
  'connections test': { answers: ADMIN, args: () => ['crm'] },
  'connections harden': { answers: ADMIN, args: () => ['crm'] },
  'connections verify': { answers: ADMIN, args: () => ['crm'], changes: true },
  // What opens it.
  logout: { answers: ALL, args: keptLogin, others: OFFLINE },
  'token create': { answers: ADMIN, args: () => ['--principal', 'bot'], changes: true },
  'token list': { answers: READERS, args: () => ['--principal', 'bot'] },
  'token revoke': { answers: ADMIN, args: async () => [await aToken()], changes: true },
  'token rotate': { answers: ADMIN, args: async () => [await aToken()], changes: true },
  psql: { answers: ALL, args: () => ['crm'], others: { limited: 'ok' } },
  exec: { answers: ALL, args: () => ['--connection', 'crm', 'true'], others: { limited: 'ok' } },
  'secrets rotate': {
    answers: ['INVALID', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
    args: () => ['--key-file', gateway.file('key', 'short')],
  },
  'secrets retire': { answers: ['NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'], args: () => ['none'] },
  'secrets rotate-saml': { answers: ADMIN, args: () => ['--overlap', '0s'], changes: true },
  // What waits for people.
  'approvals list': { answers: ALL },
  'approvals show': { answers: ['ok', 'ok', 'ok', 'NOT_FOUND'], args: async () => [await held()] },
  'approvals measure': {
    answers: ['ok', 'ok', 'FORBIDDEN', 'NOT_FOUND'],
    args: async (who) => [await held(who === 'reviewer' ? 1_100 : 0)],
    changes: true,
  },
  'approvals approve': { answers: ['ok', 'ok', 'FORBIDDEN', 'NOT_FOUND'], args: async () => [await held()], changes: true },
  'approvals reject': {
    answers: ['ok', 'ok', 'FORBIDDEN', 'NOT_FOUND'],
    args: async () => [await held(), '--reason', 'no'],
    changes: true,
  },
  'approvals grants': { answers: ALL },
  'approvals revoke': { answers: ['ok', 'ok', 'FORBIDDEN', 'FORBIDDEN'], args: async () => [await aGrant()], changes: true },
  'access request': {
    answers: ALL,
    args: () => ['--connection', 'vault', '--for', '1h', '--reason', 'x'],
    changes: true,
  },
  'access list': { answers: ALL },
  'access show': { answers: ['ok', 'ok', 'ok', 'NOT_FOUND'], args: async () => [await asked()] },
  'access approve': { answers: ['ok', 'ok', 'FORBIDDEN', 'NOT_FOUND'], args: async () => [await asked()], changes: true },
  'access reject': { answers: ['ok', 'ok', 'FORBIDDEN', 'NOT_FOUND'], args: async () => [await asked(), '--reason', 'no'], changes: true },
  'access revoke': { answers: ['ok', 'ok', 'FORBIDDEN', 'NOT_FOUND'], args: async () => [await given()], changes: true },
  // Who is there.
  'sessions list': { answers: ALL },
  'sessions kill': { answers: ADMIN, args: async () => [await aSession()], changes: true },
  'principals sign-out': { answers: ADMIN, args: () => ['ana'], changes: true },
  'principals remove-password': { answers: ['CONFLICT', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'], args: () => ['bot'] },
  'passkeys list': { answers: READERS, args: () => ['--principal', 'bot'] },
  'passkeys remove': { answers: ['ok', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'], args: async () => [await aPasskey()], changes: true },
  'identity providers': { answers: READERS },
  'identity list': { answers: READERS },
  'identity unlink': { answers: ADMIN, args: async () => [await anIdentity()], changes: true },
  // The record.
  'audit search': { answers: ALL, args: () => ['who:bot'] },
  'audit status': { answers: ALL },
  'audit erase': { answers: ADMIN, args: async () => ['--statement', await aStatement(), '--reason', 'asked'], changes: true },
  'audit export': { answers: ['ok', 'FORBIDDEN', 'ok', 'FORBIDDEN'], args: () => ['--out', freshPath()], changes: true },
  'audit prove': {
    answers: ['NOT_FOUND', 'FORBIDDEN', 'NOT_FOUND', 'FORBIDDEN'],
    args: () => [newId('stm')],
  },
  'audit checkpoint': { answers: READERS },
  'audit verify': { answers: ALL, args: () => [join(gateway.folder, 'kept-export')], others: { ...OFFLINE, nobody: 'ok' } },
  report: { answers: ALL },
};

/** Each has a test of its own below: the one waits for a person, the other for statements. */
const APART = ['login', 'audit tail'];

beforeAll(async () => {
  gateway = await withCli({
    runtime: async (db) => {
      const operator = Buffer.alloc(32, 1);
      await writeLog(dataDir, db.secretKey, 10);
      return { dataDir, operatorKey: { current: () => operator, keep: () => false, spread: async () => undefined } };
    },
  });
  const { db } = gateway;
  const { host, role } = gateway.upstream;
  root = { ...(await db.as('admin', { name: 'operator' })) };
  const vault = `  - { name: vault, host: ${host.hostname}, port: ${host.port}, database: d, username: ${role}, password: "\${APP_PASSWORD}", requestable: { groups: [dba], count: 1, maxDuration: 8h } }\n`;
  await applyDocument(root, {
    yaml: gateway
      .policy()
      .replace('connections:\n', `connections:\n${vault}`)
      .replace('principals:\n', 'principals:\n  - { name: operator, kind: human, role: admin }\n'),
    env: { APP_PASSWORD: CANARY },
  });
  people = await everybody(db, root, { groups: ['agents', 'dba'], connection: 'crm', consoleUrl: gateway.env.GATEHOUSE_URL ?? '' });
  address = await gateway.open();
  const out = join(gateway.folder, 'kept-export');
  expect(await ask('auditor', 'audit export', ['--out', out])).toBe('ok');
  content = await contentOf(gateway.db.store);
});
afterAll(async () => {
  await gateway.close();
  rmSync(dataDir, { recursive: true });
});
beforeEach(async () => {
  address = await gateway.open();
});

async function ask(who: Who, command: string, args: string[], onOut?: (text: string) => void): Promise<Answer> {
  const { token } = people[who];
  // The administrator's token of this machine is not theirs.
  const env = { GATEHOUSE_URL: address, GATEHOUSE_TOKEN: token ?? undefined, GATEHOUSE_DATA_DIR: join(gateway.folder, 'elsewhere') };
  const { code, err } = await gateway.run([...command.split(' '), '--json', ...args], env, onOut);
  if (code === 0 || code === 7) return 'ok';
  if (err.includes('no access token')) return 'NO_TOKEN';
  if (/does not accept this token|refused to go on/.test(err)) return 'UNAUTHORIZED';
  if (err.includes('this needs role')) return 'FORBIDDEN';
  const line = err.split('\n').find((each) => each.startsWith('{"error"'));
  return line === undefined ? 'ok' : (JSON.parse(line) as { error: { code: Answer } }).error.code;
}

const pathsOf = (command: Command, path: string[] = []): string[] =>
  command.commands.length === 0 ? [path.join(' ')] : command.commands.flatMap((each) => pathsOf(each, [...path, each.name()]));

describe('every command as every role', () => {
  test('the table has every command', () => {
    const nowhere = { env: {}, out: () => undefined, err: () => undefined, run: () => Promise.resolve(1), open: () => undefined };
    const commands = pathsOf(createProgram(nowhere, { exitCode: 0, json: false }));
    expect([...Object.keys(TABLE), ...APART].sort()).toEqual(commands.sort());
  });

  test.each(Object.entries(TABLE))('%s', async (command, { answers, args = () => [], changes, others = {} }) => {
    const found: Partial<Record<Who, Answer>> = {};
    const left: Who[] = [];
    const expected: Partial<Record<Who, Answer>> = {};
    for (const [index, who] of EVERYBODY.entries()) {
      expected[who] = answers[index] ?? others[who] ?? (who === 'nobody' ? 'NO_TOKEN' : 'UNAUTHORIZED');
      const making = args(who);
      const given = await making;
      // What is not waited for has written nothing to the store.
      const before = making === given ? content : await contentOf(gateway.db.store);
      found[who] = await ask(who, command, given);
      const after = await contentOf(gateway.db.store);
      content = after;
      // A refusal leaves everything as it was, and so does what only reads.
      if (found[who] !== 'ok' || changes === undefined) expect([who, after]).toEqual([who, before]);
      else if (JSON.stringify(after) === JSON.stringify(before)) left.push(who);
    }
    expect(found).toEqual(expected);
    expect(left).toEqual([]);
  });
});

describe('what takes its time', () => {
  test('audit tail shows statements to whoever may read them, and refuses the others at once', async () => {
    const stop = new Error('seen');
    for (const who of EVERYBODY) {
      let seen = '';
      // A member sees what is theirs.
      const record = () => recordStatements(gateway.db, [{ principalName: who, connectionName: 'crm' }]);
      const timer = setInterval(() => void record(), 200);
      const answer = await ask(who, 'audit tail', [], (text) => {
        seen += text;
        if (text.includes('"sql"')) throw stop;
      });
      clearInterval(timer);
      const isReader = EVERYBODY.indexOf(who) < 4;
      expect([who, answer, seen.includes('SELECT 1')]).toEqual([
        who,
        isReader ? 'FAILED' : who === 'nobody' ? 'NO_TOKEN' : 'UNAUTHORIZED',
        isReader,
      ]);
    }
  });

  test('login gives a token of whoever says yes to it in the console, and nobody else can say yes', async () => {
    const logins = EVERYBODY.map(async (who) => {
      const decided: Promise<Response>[] = [];
      const answer = await ask(who, 'login', [], (text) => {
        const [, userCode] = /confirm the code ([A-Z-]+)/.exec(text) ?? [];
        if (userCode !== undefined) decided.push(decide(who, userCode, true).then((r) => (r.ok ? r : decide('admin', userCode, false))));
      });
      await Promise.all(decided);
      return [who, answer];
    });
    expect(await Promise.all(logins)).toEqual(EVERYBODY.map((who, at) => [who, at < 4 ? 'ok' : 'FAILED']));
  });
});

const decide = (who: Who, userCode: string, approve: boolean) =>
  fetch(`${gateway.env.GATEHOUSE_URL}/api/trpc/device.decide`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'sec-fetch-site': 'same-origin',
      origin: gateway.env.GATEHOUSE_URL ?? '',
      cookie: people[who].cookie ?? '',
    },
    body: JSON.stringify({ json: { userCode, approve } }),
  });

/** A document that differs from what is there in one rule. */
async function changedPolicy(): Promise<string[]> {
  const { yaml } = await exportDocument(root);
  return [gateway.file('changed.yaml', yaml.replace(/name: no-drop\S*/, `name: no-drop-${++count}`))];
}

const aToken = async () => (await createToken(root, { principal: 'bot', ttlMs: 60_000 })).id;

/** What `gatehouse login` keeps is theirs; ending it is asked by the token itself. */
function keptLogin(who: Who): string[] {
  const { token, name } = people[who];
  const login = { token: `${token}x`, principal: name, expiresAt: new Date(Date.now() + 60_000).toISOString(), connections: null };
  keepLogin(gateway.env, address, { ...login, proxy: { host: '127.0.0.1', port: 6432 } });
  return [];
}

/** @param afterMs between two dry runs of one connection */
async function held(afterMs = 0): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  const id = newId('req');
  const bot = await botId();
  await gateway.db.store.insert(approvalRequests).values({
    ...{ id, statementId: newId('stm'), sessionId: newId('ses'), gatewayId: 'gw', workerId: 'w1', connectionName: 'crm' },
    ...{ principalId: bot, principalName: 'bot', ownerName: 'ana', sql: 'DELETE FROM crm.orders', parameters: [], digest: 'd' },
    ...{ kind: 'DELETE', effects: ['delete'], relations: [{ name: 'crm.orders', access: 'write' as const }], tried: [] },
    ...{ rule: 'review-purges', why: 'it says so', transactionStatus: 'I' as const, reviewerGroups: ['dba'], required: 1 },
    expiresAt: new Date(Date.now() + 60_000),
  });
  return id;
}

async function aGrant(): Promise<string> {
  const id = newId('grt');
  const [state] = await gateway.db.store.select().from(policyState);
  await gateway.db.store.insert(approvalGrants).values({
    ...{ id, requestId: await held(), principalId: await botId(), principalName: 'bot', connectionName: 'crm', rule: 'review-purges' },
    ...{ policyVersion: state?.version ?? 0, shape: 's', shapeIsExact: true, sql: 'DELETE FROM crm.orders', reviewers: ['ana'] },
    expiresAt: new Date(Date.now() + 60_000),
  });
  return id;
}

/** Somebody asks for `vault`, who has not asked for it before. */
async function asked(): Promise<string> {
  const requester = await gateway.db.as('member', { name: `requester-${++count}`, groups: ['agents'] });
  return (await requestAccess(requester, { connection: 'vault', durationMs: 3_600_000, reason: 'x' })).id;
}

async function given(): Promise<string> {
  const id = await asked();
  await approveAccess({ ...root, actor: { ...root.actor, groups: ['dba'] } }, { id });
  return id;
}

async function aSession(): Promise<string> {
  const id = newId('ses');
  await gateway.db.store.insert(sessions).values({
    ...{ id, gatewayId: 'gw', workerId: 'w1', principalId: await botId(), principalName: 'bot', connectionName: 'crm' },
    clientAddress: '127.0.0.1:5',
  });
  return id;
}

async function aStatement(): Promise<string> {
  const [id = ''] = await recordStatements(gateway.db, [{ connectionName: 'crm' }]);
  return id;
}

async function anIdentity(): Promise<string> {
  const id = newId('idn');
  const settings = { type: 'saml' as const, name: 'corp', metadata: '', clockSkewMs: 0, principal: { claim: 'uid' } };
  const { store } = gateway.db;
  await store.insert(identityProviders).values({ id: 'idp_corp', position: 0, name: 'corp', settings }).onConflictDoNothing();
  await store.insert(identities).values({ id, providerId: 'idp_corp', subject: id, principalId: await botId() });
  return id;
}

async function aPasskey(): Promise<string> {
  const id = newId('psk');
  const key = { credentialId: id, publicKey: 'AA', counter: 0, transports: [], name: 'laptop', backedUp: false };
  await gateway.db.store.insert(passkeys).values({ id, principalId: await botId(), ...key });
  return id;
}

async function botId(): Promise<string> {
  const [row] = await gateway.db.store.select({ id: principals.id }).from(principals).where(eq(principals.name, 'bot'));
  return row?.id ?? expect.fail('no bot');
}

const freshPath = () => join(gateway.folder, `export-${++count}`);
