import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect } from 'vitest';
import { parse as readYaml, stringify } from 'yaml';
import { type Api, apiAsAdmin, apiAsOperator } from '../api';
import { directSettings, eventually, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';
import { cstring, fieldsOf, frame, int32, type Message, simpleQuery, startUp, WireClient } from '../wireClient';

/** The database the protocol tests work in, and its role, which is no superuser. */
const DATABASE = 'traps';
const ROLE = 'traps_app';
/** Connections of the gateway to that database: one that allows everything, one with a masked column, one that denies and holds by a word. */
export const OPEN = 'traps-open';
export const MASKED = 'traps-masked';
export const RULED = 'traps-ruled';
/** Nothing but reads. */
export const READS = 'traps-reads';
/** Narrow limits on everything. */
export const LIMITED = 'traps-limited';

/** What the tests find in the database. `word` is masked for everyone on MASKED. */
const SCHEMA = `
  CREATE TABLE notes (id int PRIMARY KEY, word text);
  CREATE TABLE nothing ();
  INSERT INTO nothing DEFAULT VALUES;
  INSERT INTO nothing DEFAULT VALUES;
  CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, ssn text UNIQUE);
  INSERT INTO people SELECT g, 'person ' || g, '900-55-' || (1000 + g) FROM generate_series(1, 40) AS g;
`;

/** A true value of the masked column, wherever it might show. */
export const SECRET = /900-55-1\d\d\d/;

export interface Peers {
  /** What a client of the gateway signs in with, for a connection of it. */
  settings(connection: string): { host: string; port: number; user: string; password: string; database: string };
  /** Signed in through the gateway. Closed after the test file. */
  gateway(connection?: string, parameters?: Record<string, string>): Promise<WireClient>;
  /** Signed in at the server itself, as the role the gateway uses. Closed after the test file. */
  direct(parameters?: Record<string, string>): Promise<WireClient>;
  /** The superuser, around the gateway. */
  root: pg.Client;
  admin: ReturnType<typeof apiAsAdmin>;
  /** Statements of these connections in the record whose text has this word; of one millisecond in any order. */
  recorded(word: string): Promise<StatementDetail[]>;
  /** Waits until a request has this status. */
  becomes(requestId: string, status: string): Promise<void>;
}

type StatementDetail = Awaited<ReturnType<ReturnType<typeof apiAsAdmin>['audit']['get']['query']>>;

/** A database, its role and five connections of the running gateway for the calling file; all of it is taken away after it. */
export function peers(more: More = NOTHING_MORE): Peers {
  const gateway = sharedGateway();
  const admin = apiAsAdmin(gateway);
  const password = randomBytes(12).toString('hex');
  const server = directSettings(gateway, DATABASE);
  const opened: WireClient[] = [];
  const settings = (connection: string) => proxySettings(gateway, { database: connection });
  const kept = async (signingIn: Promise<WireClient>) => {
    const client = await signingIn;
    opened.push(client);
    return client;
  };
  const result: Peers = {
    settings,
    gateway: (connection = OPEN, parameters = {}) => kept(signIn({ ...settings(connection), parameters })),
    direct: (parameters = {}) => kept(signIn({ ...server, user: ROLE, password, parameters })),
    root: undefined as unknown as pg.Client,
    admin,
    async recorded(text) {
      const { items } = await admin.audit.search.query({ q: text });
      return Promise.all(items.map(({ id }) => admin.audit.get.query({ id })));
    },
    async becomes(requestId, status) {
      await eventually(`${requestId} ${status}`, async () => (await admin.approvals.get.query({ id: requestId })).status === status);
    },
  };
  let before = '';
  let operator: Api | undefined;
  beforeAll(async () => {
    const postgres = await open(directSettings(gateway, 'postgres'));
    await dropAll(postgres);
    await postgres.query(`CREATE ROLE ${ROLE} LOGIN PASSWORD '${password}'`);
    await postgres.query(`CREATE DATABASE ${DATABASE} OWNER ${ROLE}`);
    await postgres.end();
    result.root = await open({ ...server, statement_timeout: 10_000 });
    await result.root.query(`SET ROLE ${ROLE}; ${SCHEMA}; RESET ROLE`);
    operator = await apiAsOperator(gateway);
    before = withoutTraps((await operator.policy.export.query()).yaml);
    await operator.policy.applyYaml.mutate({ yaml: withTraps(before, { port: server.port, password }, more) });
    // The workers hear of it a moment later.
    await eventually('the connections of these tests', async () => {
      const signedIn = await Promise.allSettled(
        [OPEN, MASKED, RULED, READS, LIMITED, ...Object.keys(more.connections)].map((connection) =>
          signIn({ ...settings(connection), parameters: {} }),
        ),
      );
      for (const one of signedIn) if (one.status === 'fulfilled') one.value.close();
      return signedIn.every((one) => one.status === 'fulfilled');
    });
  });
  afterAll(async () => {
    for (const client of opened) client.close();
    if (before !== '') await operator?.policy.applyYaml.mutate({ yaml: before });
    await result.root?.end();
    const postgres = await open(directSettings(gateway, 'postgres'));
    await dropAll(postgres);
    await postgres.end();
  });
  return result;
}

async function dropAll(postgres: pg.Client): Promise<void> {
  await postgres.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`);
  await postgres.query(`DROP ROLE IF EXISTS ${ROLE}`);
}

interface PolicyYaml {
  connections: object[];
  access: object[];
  masking: object[];
  rules: object[];
}

/** What a run that was killed has left goes first. */
function withoutTraps(yaml: string): string {
  const policy = readYaml(yaml) as PolicyYaml;
  const others = (list: { name?: string; connections?: string[] }[]) =>
    list.filter((one) => !(one.name ?? one.connections?.[0] ?? '').startsWith('traps-'));
  const { connections, access, masking, rules } = policy;
  return stringify({
    ...policy,
    connections: others(connections),
    access: others(access),
    masking: others(masking),
    rules: others(rules),
  });
}

/** Every effect but reading, and what a session needs for itself. */
const WRITES = [
  ...['insert', 'update', 'delete', 'merge', 'truncate', 'create', 'alter', 'drop', 'grant', 'role', 'lock'],
  ...['file', 'program', 'network', 'notify', 'admin', 'opaque'],
];

/** What a test file needs besides: connections to the same database by name (all begin with traps-), and rules. */
interface More {
  connections: Record<string, object>;
  rules: object[];
  masking?: readonly object[];
  /** Rules of the demo that would decide before those that are under test. */
  without?: readonly string[];
}
const NOTHING_MORE: More = { connections: {}, rules: [] };

function withTraps(yaml: string, { port, password }: { port: number; password: string }, more: More): string {
  const policy = readYaml(yaml) as PolicyYaml;
  const connection = (name: string) => ({
    ...{ name, host: '127.0.0.1', port, database: DATABASE, username: ROLE, password, tls: 'disable', default: 'allow', opaque: 'allow' },
    limits: { statementTimeout: '60s', maxSessions: 200 },
  });
  policy.connections.push(
    connection(OPEN),
    { ...connection(MASKED), opaque: 'deny' },
    { ...connection(RULED), opaque: 'hold' },
    { ...connection(READS), opaque: 'deny' },
    {
      ...connection(LIMITED),
      limits: { maxStatementBytes: 4096, maxMessageBytes: 16_384, idleTimeout: '1500ms', idleInTransactionTimeout: '500ms' },
    },
  );
  for (const [name, fields] of Object.entries(more.connections)) policy.connections.push({ ...connection(name), ...fields });
  policy.rules = policy.rules.filter((rule) => !more.without?.includes((rule as { name: string }).name));
  policy.rules.push(...more.rules);
  policy.masking.push(...(more.masking ?? []));
  policy.access.push({ connections: [OPEN, MASKED, RULED, READS, LIMITED, ...Object.keys(more.connections)], groups: ['agents'] });
  policy.masking.push({
    ...{ name: 'traps-ssn', connections: [MASKED], columns: ['public.people.ssn', 'public.typed.*'], mask: { type: 'redact' } },
    ...{ inference: 'guarded', mode: 'enforce' },
  });
  policy.rules.push(
    { name: 'traps-deny', connections: [RULED, MASKED], match: { sql: 'gh_deny' }, action: 'deny' },
    {
      ...{ name: 'traps-hold', connections: [RULED, MASKED], match: { sql: 'gh_hold' }, action: 'hold' },
      approval: { groups: ['dba'], count: 1, expiresIn: '5m' },
    },
    { name: 'traps-no-files', connections: [RULED], match: { effects: ['file', 'program'] }, action: 'deny' },
    { name: 'traps-forbidden', connections: [RULED], match: { tables: ['public.forbidden*'] }, action: 'deny' },
    { name: 'traps-only-reads', connections: [READS], match: { effects: WRITES }, action: 'deny' },
  );
  return stringify(policy);
}

/** Signs in by clear text or by SCRAM-SHA-256, whichever is asked for, up to ReadyForQuery. */
export async function signIn(to: {
  port: number;
  user: string;
  password: string;
  database: string;
  parameters: Record<string, string>;
}): Promise<WireClient> {
  const client = await WireClient.connect(to.port);
  client.send(startUp({ user: to.user, database: to.database, client_encoding: 'UTF8', ...to.parameters }));
  const nonce = randomBytes(18).toString('base64');
  for (;;) {
    const answer = await client.until('R', 'E', 'Z');
    const message = answer.at(-1);
    const key = answer.find(({ type }) => type === 'K');
    if (key !== undefined) cancelKeys.set(client, key.body);
    if (message === undefined || message.type === 'Z') return client;
    if (message.type === 'E') {
      client.close();
      throw Object.assign(new Error(fieldsOf(message).M), { code: fieldsOf(message).C });
    }
    const request = message.body.readInt32BE(0);
    if (request === 3) client.send(frame('p', cstring(to.password)));
    if (request === 10) {
      const first = Buffer.from(`n,,n=,r=${nonce}`);
      client.send(frame('p', cstring('SCRAM-SHA-256'), int32(first.length), first));
    }
    if (request === 11) client.send(frame('p', Buffer.from(scramProof(to.password, nonce, message.body.subarray(4).toString()))));
  }
}

const cancelKeys = new WeakMap<WireClient, Buffer>();

/** The process id its BackendKeyData told the client. */
export const processIdOf = (client: WireClient) => cancelKeys.get(client)?.readInt32BE(0);

/** Cancels as libpq does: on a connection of its own, with the key of this session. */
export async function cancel(client: WireClient, port: number): Promise<void> {
  const canceller = await WireClient.connect(port);
  const key = cancelKeys.get(client) ?? Buffer.alloc(8);
  canceller.send(int32(8 + key.length), int32(80_877_102), key);
  await canceller.untilClosed();
}

/** The request a notice speaks of. */
export function requestOf(notice: Message | undefined): string {
  const id = /\breq_\w+/.exec(notice?.body.toString() ?? '')?.[0];
  if (id === undefined) throw new Error('no request is named');
  return id;
}

/** RFC 5802 client-final-message, without channel binding. */
function scramProof(password: string, nonce: string, serverFirst: string): string {
  const [, salt = '', rounds = '0'] = /s=([^,]+),i=(\d+)/.exec(serverFirst) ?? [];
  const withoutProof = `c=biws,r=${/r=([^,]+)/.exec(serverFirst)?.[1]}`;
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(rounds), 32, 'sha256');
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const clientKey = hmac(salted, 'Client Key');
  const storedKey = createHash('sha256').update(clientKey).digest();
  const signature = hmac(storedKey, `n=,r=${nonce},${serverFirst},${withoutProof}`);
  return `${withoutProof},p=${Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0))).toString('base64')}`;
}

/** Behind anything that has ended with Sync or a simple Query: whatever state it left, the answer to this is the last. */
const END = [simpleQuery('ROLLBACK'), simpleQuery("SELECT 'the end'")];

/** Sends it in one write and gives everything that came back. */
export async function play(client: WireClient, frames: readonly Buffer[]): Promise<Message[]> {
  client.send(...frames, ...END);
  const all: Message[] = [];
  for (;;) {
    const answer = await client.until('Z');
    if (answer.some((message) => message.type === 'D' && message.body.includes('the end'))) return all;
    all.push(...answer);
  }
}

/** The letters of an answer, without the two that answer END. */
export const letters = (messages: readonly Message[]) => messages.map((message) => message.type).join('');

/**
 * The same bytes to the server and through the gateway, on sessions of their own: the answers must be equal word for word, and so must
 * the table `notes` afterwards. Gives the server's answer.
 */
export async function same(
  { root, direct, gateway }: Peers,
  frames: readonly Buffer[],
  options: Wording & { connection?: string } = {},
): Promise<Message[]> {
  const run = async (client: WireClient) => {
    await root.query('TRUNCATE notes');
    // Not left open when it fails: what it has locked would fail the tests behind it.
    const messages = await play(client, frames).finally(() => client.close());
    return { messages, rows: (await root.query('SELECT id, word FROM notes ORDER BY id')).rows };
  };
  const expected = await run(await direct());
  const seen = await run(await gateway(options.connection));
  expect({ answer: words(seen.messages, options), rows: seen.rows }).toEqual({
    answer: words(expected.messages, options),
    rows: expected.rows,
  });
  return expected.messages;
}

/** Runs one simple query and gives its answer up to ReadyForQuery. */
export async function ask(client: WireClient, sql: string): Promise<Message[]> {
  client.send(simpleQuery(sql));
  return client.until('Z');
}

interface Wording {
  /** Which error it is differs, that it is one does not. */
  anyError?: boolean;
  /** Also which line of whose source said so. */
  exact?: boolean;
}

/** One message in words: all it says, to compare what two servers answered. */
function word(message: Message, options: Wording): string {
  switch (message.type) {
    case 'E':
    case 'N':
      return options.anyError && message.type === 'E' ? 'E' : `${message.type} ${spoken(message, options)}`;
    case 'Z':
    case 'C':
      return `${message.type} ${message.body.toString().replace('\0', '')}`;
    case 'T':
    case 'D':
    case 't':
    case 'G':
    case 'H':
    case 'd':
      return `${message.type} ${message.body.toString('latin1').replaceAll(/[^\x20-\x7e]/g, (char) => `<${char.charCodeAt(0).toString(16)}>`)}`;
    default:
      return `${message.type}${message.body.length === 0 ? '' : ` ${message.body.toString('hex')}`}`;
  }
}

function spoken(message: Message, { exact }: Wording): string {
  const fields = Object.entries(fieldsOf(message)).filter(([code]) => exact || !'FLR'.includes(code));
  return fields
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, value]) => `${code}=${value}`)
    .join(' ');
}

export const words = (messages: readonly Message[], options: Wording = {}) => messages.map((message) => word(message, options));
