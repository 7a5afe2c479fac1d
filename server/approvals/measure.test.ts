import { eq } from 'drizzle-orm';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import { newId } from '../../db/ids';
import { approvalRequests } from '../../db/schema/approvals';
import { actions } from '../../db/schema/audit';
import { access, connections, maskingRules } from '../../db/schema/policy';
import type { HeldState } from '../../db/schema/shapes';
import { saveConnection } from '../connections/save';
import { type TestStore, withStore } from '../testing';
import { getRequest } from './get';
import { measureRequest } from './measure';
import { previewRequest } from './preview';

type Caller = Awaited<ReturnType<TestStore['as']>>;
let db: TestStore;
let upstream: TestDatabase;
let shop: pg.Client;
let session: pg.Client;
let ana: Caller;
let bo: Caller;
let agent: Caller;
let connectionName = 'shop';

const ROLE = `previewed_${process.pid}`;

const SCHEMA = `
CREATE ROLE ${ROLE} LOGIN PASSWORD 'app';
GRANT CREATE, USAGE ON SCHEMA public TO ${ROLE};
SET ROLE ${ROLE};
CREATE TABLE customers (id int PRIMARY KEY, name text, ssn text, tier text DEFAULT 'basic');
CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers ON DELETE CASCADE, total numeric);
CREATE TABLE items (id int PRIMARY KEY, "order" int NOT NULL REFERENCES orders ON DELETE CASCADE);
CREATE TABLE audit (at timestamptz DEFAULT now(), what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit (what) VALUES (TG_OP || ' ' || OLD.id); RETURN NULL; END $$;
CREATE TRIGGER note AFTER UPDATE OR DELETE ON customers FOR EACH ROW EXECUTE FUNCTION note();
CREATE TABLE events (id int, day date, kind text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE numbered (id serial PRIMARY KEY, what text);
CREATE TABLE loud (id int PRIMARY KEY);
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('numbered_id_seq'); RETURN NEW; END $$;
CREATE TRIGGER shout BEFORE INSERT OR UPDATE OR DELETE ON loud FOR EACH ROW EXECUTE FUNCTION shout();
CREATE TABLE told (id int PRIMARY KEY);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('told', 'x'); RETURN NEW; END $$;
CREATE TRIGGER tell AFTER INSERT ON told FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TABLE dynamic (id int PRIMARY KEY);
CREATE FUNCTION anything() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; RETURN NULL; END $$;
CREATE TRIGGER anything AFTER DELETE ON dynamic FOR EACH ROW EXECUTE FUNCTION anything();
CREATE FUNCTION numbered_default() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN nextval('numbered_id_seq'); END $$;
CREATE TABLE defaulted (id int PRIMARY KEY, n int DEFAULT numbered_default());
CREATE TABLE policed (id int PRIMARY KEY, tenant text);
CREATE POLICY tenants ON policed USING (tenant = current_setting('app.tenant', true));
CREATE SCHEMA other;
`;

const ROWS = `
INSERT INTO customers SELECT i, 'name ' || i, '078-05-11' || i FROM generate_series(1, 8) i;
INSERT INTO orders SELECT i, 1 + i % 4, i * 10 FROM generate_series(1, 12) i;
INSERT INTO items SELECT i, 1 + i % 12 FROM generate_series(1, 24) i;
INSERT INTO events SELECT i, date '2026-01-01' + i, 'seen' FROM generate_series(0, 50) i;
`;

beforeAll(async () => {
  db = await withStore();
  upstream = await withPostgres();
  const owner = new pg.Client({ connectionString: upstream.url });
  await owner.connect();
  await owner.query(`GRANT CREATE ON DATABASE ${upstream.database} TO PUBLIC`);
  await owner.query(SCHEMA);
  await owner.query(ROWS);
  await owner.end();
  const url = upstream.urlAs(ROLE, 'app');
  shop = new pg.Client({ connectionString: url });
  session = new pg.Client({ connectionString: url });
  await Promise.all([shop.connect(), session.connect()]);
  ana = await db.as('admin', { name: 'ana' });
  bo = await db.as('reviewer', { name: 'bo' });
  agent = await db.as('member', { name: 'bot', kind: 'agent', ownerId: ana.actor.id });
  await saveConnection(ana, {
    name: connectionName,
    host: upstream.host,
    port: upstream.port,
    database: upstream.database,
    username: ROLE,
    password: 'app',
    tls: 'disable',
    default: 'allow',
    opaque: 'hold',
  });
  await db.store.insert(access).values({ id: newId('acc'), position: 0, connections: ['shop*'], groups: ['*'] });
  await db.store.insert(maskingRules).values({
    id: newId('msk'),
    position: 0,
    name: 'ssn',
    connections: ['shop*'],
    columns: ['public.customers.ssn'],
    detect: [],
    mask: { type: 'partial', keepLast: 2 },
    inference: 'guarded',
    exceptGroups: ['trusted'],
    mode: 'enforce',
  });
});
afterAll(async () => {
  await Promise.all([shop?.end(), session?.end()]);
  const admin = new pg.Client({ connectionString: db.url });
  await upstream?.drop();
  await admin.connect();
  await admin.query(`DROP ROLE IF EXISTS ${ROLE}`);
  await admin.end();
  await db?.close();
});
beforeEach(async () => {
  await db.store.delete(approvalRequests);
  await rename();
});

let names = 0;
/** One dry run a second is made on one connection, by its name: with another one, the next need not wait. */
async function rename(): Promise<void> {
  connectionName = `shop-${++names}`;
  await db.store.update(connections).set({ name: connectionName });
}

async function hold(sql: string, more: Partial<typeof approvalRequests.$inferInsert> = {}): Promise<string> {
  const id = newId('req');
  const pid = (await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid ?? null;
  const heldState: HeldState = { backendPid: pid, role: null, settings: {}, asked: false };
  await db.store.insert(approvalRequests).values({
    id,
    statementId: newId('stm'),
    sessionId: newId('ses'),
    gatewayId: 'gw_1',
    workerId: 'w1',
    principalId: agent.actor.id,
    principalName: 'bot',
    ownerId: ana.actor.id,
    ownerName: 'ana',
    connectionName,
    sql,
    parameters: [],
    digest: 'd',
    kind: 'DELETE',
    effects: [],
    relations: [],
    rule: 'r',
    why: 'w',
    tried: [],
    transactionStatus: 'I',
    reviewerGroups: [],
    required: 1,
    expiresAt: new Date(Date.now() + 60_000),
    heldState,
    ...more,
  });
  return id;
}

const measured = async (sql: string, more: Parameters<typeof hold>[1] = {}) => {
  const { measured: outcome, mostRows } = await measureRequest(bo, { id: await hold(sql, more) });
  return { outcome, mostRows };
};
const refusal = async (sql: string, more: Parameters<typeof hold>[1] = {}): Promise<string> => {
  const { outcome } = await measured(sql, more);
  return outcome?.kind === 'refused' || outcome?.kind === 'failed'
    ? `${outcome.kind}: ${outcome.why.join('; ')}`
    : `ran: ${JSON.stringify(outcome)}`;
};
const count = async (table: string) => Number((await shop.query(`SELECT count(*) FROM ${table}`)).rows[0].count);

test('a DELETE: exact rows by table, cascades and triggers included, nothing stands, the rows that would go masked', async () => {
  const { outcome, mostRows } = await measured('DELETE FROM customers WHERE id IN (1, 2)', { tolerance: { percent: 50 } });
  if (outcome?.kind !== 'measured') throw new Error(JSON.stringify(outcome));
  expect(outcome.tables).toEqual([
    { table: 'public.items', inserted: 0, updated: 0, deleted: 12 },
    { table: 'public.orders', inserted: 0, updated: 0, deleted: 6 },
    { table: 'public.audit', inserted: 2, updated: 0, deleted: 0 },
    { table: 'public.customers', inserted: 0, updated: 0, deleted: 2 },
  ]);
  expect(outcome.rows).toBe(22);
  expect(mostRows).toBe(33);
  expect(outcome.triggers).toContainEqual({ name: 'note', table: 'customers', calls: 2 });
  const sample = outcome.samples.find(({ table }) => table === 'public.customers');
  expect(sample?.columns).toEqual([
    { name: 'id', masked: false },
    { name: 'name', masked: false },
    { name: 'ssn', masked: true },
    { name: 'tier', masked: false },
  ]);
  expect(sample?.rows).toEqual([
    { change: 'deleted', before: ['1', 'name 1', '***-**-*11', 'basic'], after: null, changed: [] },
    { change: 'deleted', before: ['2', 'name 2', '***-**-*12', 'basic'], after: null, changed: [] },
  ]);
  expect(JSON.stringify(outcome)).not.toContain('078-05');
  expect(await count('customers')).toBe(8);
  expect(await count('items')).toBe(24);
  expect(await count('audit')).toBe(0);
});

test('an UPDATE with parameters: before and after, what differs by position', async () => {
  const { outcome } = await measured(`UPDATE customers SET tier = $1, ssn = 'x' WHERE id = $2`, {
    parameters: [
      { typeOid: 25, value: 'it’s \\gold\\' },
      { typeOid: 23, value: '3' },
    ],
  });
  if (outcome?.kind !== 'measured') throw new Error(JSON.stringify(outcome));
  const sample = outcome.samples.find(({ table }) => table === 'public.customers');
  expect(sample?.rows).toEqual([
    { change: 'updated', before: ['3', 'name 3', '***-**-*13', 'basic'], after: ['3', 'name 3', '***', 'it’s \\gold\\'], changed: [2, 3] },
  ]);
});

test('partitions: a row that moves is taken from one and put into the other', async () => {
  const { outcome } = await measured(`UPDATE events SET day = '2026-02-10', id = id + 1000 WHERE id IN (0, 1) OR id = 40`);
  if (outcome?.kind !== 'measured') throw new Error(JSON.stringify(outcome));
  expect(outcome.tables).toEqual([
    { table: 'public.events_2', inserted: 2, updated: 1, deleted: 0 },
    { table: 'public.events_1', inserted: 0, updated: 0, deleted: 2 },
  ]);
});

test('an INSERT: the rows that would come; a notification is undone by the rollback', async () => {
  const heard: unknown[] = [];
  shop.on('notification', (message) => heard.push(message));
  await shop.query('LISTEN told');
  const { outcome } = await measured('INSERT INTO told VALUES (7), (8)');
  if (outcome?.kind !== 'measured') throw new Error(JSON.stringify(outcome));
  expect(outcome.samples[0]?.rows.map(({ change, after }) => [change, after])).toEqual([
    ['inserted', ['7']],
    ['inserted', ['8']],
  ]);
  await shop.query('SELECT 1');
  await shop.query(`SELECT pg_notify('told', 'control')`);
  await shop.query('SELECT 1');
  expect(heard).toHaveLength(1);
});

test.each([
  [
    `INSERT INTO numbered (what) VALUES ('a')`,
    'refused: public.numbered.id draws its number from a sequence, which a rollback does not give back',
  ],
  [`DELETE FROM loud`, 'refused: code that it sets off: nextval() moves a sequence, which a rollback does not move back'],
  [
    `UPDATE customers SET tier = nextval('numbered_id_seq')::text`,
    'refused: nextval() moves a sequence, which a rollback does not move back',
  ],
  [
    `TRUNCATE orders CASCADE`,
    'refused: only SELECT, INSERT, UPDATE, DELETE and MERGE are measured, and this is TRUNCATE: it takes whole tables away, under a lock that everybody would wait for',
  ],
  [`NOTIFY a`, 'refused: only SELECT, INSERT, UPDATE, DELETE and MERGE are measured, and this is NOTIFY: it notifies, and changes no rows'],
  [`DELETE FROM dynamic`, 'refused: its effects cannot be known: function public.anything() runs SQL that it puts together'],
  [
    `INSERT INTO defaulted (id) VALUES (1)`,
    'refused: code that it sets off: nextval() moves a sequence, which a rollback does not move back',
  ],
  [
    `WITH x AS (DELETE FROM orders RETURNING 1) SELECT pg_advisory_lock(1) FROM x`,
    'refused: it acts on its session, beyond its transaction; pg_advisory_lock() takes or gives back locks that others go by',
  ],
  [`SELECT 1`, 'refused: it changes no rows: there is nothing to measure'],
  [`DELETE FROM orders; DELETE FROM items`, 'refused: it is 2 statements in one text; only one statement alone is measured'],
  [`INSERT INTO orders VALUES (99, 4711, 1)`, 'failed: it breaks a constraint and would fail (SQLSTATE 23503)'],
])('%s', async (sql, expected) => {
  expect(await refusal(sql)).toBe(expected);
});

test('a number that is given draws none', async () => {
  const { outcome } = await measured(`INSERT INTO numbered (id, what) VALUES (1, 'a')`);
  expect(outcome?.kind).toBe('measured');
  expect((await shop.query('SELECT is_called FROM numbered_id_seq')).rows[0].is_called).toBe(false);
});

test('inside a transaction: not where it has changes of its own, and not while it holds what the trial needs', async () => {
  await session.query('BEGIN; SELECT 1');
  expect((await measured('DELETE FROM orders WHERE id = 1', { transactionStatus: 'T' })).outcome).toMatchObject({
    kind: 'measured',
    notes: ['Measured outside the client’s open transaction.'],
  });
  await rename();
  await session.query('UPDATE orders SET total = 0 WHERE id = 1');
  const before = await previewRequest(bo, { id: await hold('DELETE FROM orders', { transactionStatus: 'T' }) }).catch(() => null);
  expect(before?.transaction).toBeDefined();
  const id = await hold('DELETE FROM orders WHERE id = 1', { transactionStatus: 'T' });
  expect((await measureRequest(bo, { id })).measured).toMatchObject({
    kind: 'refused',
    why: ['its transaction has changes that nobody else sees yet, and what it does may depend on them'],
  });
  await session.query('ROLLBACK');
});

test('a row somebody else has locked is waited for a second and no longer', async () => {
  const other = new pg.Client({ connectionString: upstream.urlAs(ROLE, 'app') });
  await other.connect();
  await other.query('BEGIN; UPDATE orders SET total = 0 WHERE id = 1');
  const startedMs = performance.now();
  expect(await refusal('DELETE FROM orders WHERE id = 1')).toBe(
    'failed: rows or tables that it needs are locked by somebody else, its own transaction perhaps',
  );
  expect(performance.now() - startedMs).toBeLessThan(3_000);
  await other.query('ROLLBACK');
  await other.end();
});

test('the settings of its session: names by its search_path; what is not known is refused', async () => {
  await shop.query('DROP TABLE IF EXISTS other.orders; CREATE TABLE other.orders AS SELECT 1 AS id');
  const state = { backendPid: null, role: null, asked: false };
  const pid = (await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid ?? null;
  const settings = { search_path: 'other, public', timezone: 'UTC', statement_timeout: '0' };
  const there = await measured('DELETE FROM orders', { heldState: { ...state, backendPid: pid, settings } });
  expect(there.outcome).toMatchObject({ kind: 'measured', tables: [{ table: 'other.orders', deleted: 1 }] });
  await rename();
  expect(await refusal('DELETE FROM orders', { heldState: { ...state, settings: null } })).toContain(
    'what its session has set is not known',
  );
});

test('row security that reads a setting: measured where the session has set nothing, refused where it may have', async () => {
  expect((await measured('DELETE FROM policed WHERE id = 1')).outcome?.kind).toBe('measured');
  await rename();
  const heldState = { backendPid: null, role: null, settings: {}, asked: true };
  expect(await refusal('DELETE FROM policed WHERE id = 1', { heldState })).toBe(
    'refused: row security policy tenants reads a setting of its session, which a side connection does not have',
  );
});

test('a temporary table of that name, in whatever session, stands in the way', async () => {
  await session.query('CREATE TEMP TABLE orders (id int)');
  expect(await refusal('DELETE FROM orders WHERE id = 1')).toContain('some session has a temporary table called orders, which it may mean');
  await session.query('DROP TABLE pg_temp.orders');
});

test('only who may decide; once a second; recorded before and after', async () => {
  const id = await hold('DELETE FROM orders WHERE id = 1');
  await expect(measureRequest(ana, { id })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  await expect(measureRequest(agent, { id })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  // Two at the same moment: one is made.
  const both = await Promise.allSettled([measureRequest(bo, { id }), measureRequest(bo, { id })]);
  const failed = both.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  expect(failed).toMatchObject([{ code: 'CONFLICT', message: expect.stringContaining('less than a second ago') }]);
  const { measured: own } = await getRequest(bo, { id });
  expect(own?.kind === 'measured' && own.samples).toHaveLength(2);
  // Rows are for those who decide.
  const { measured: asked } = await getRequest(agent, { id });
  expect(asked?.kind === 'measured' && [asked.rows, asked.samples]).toEqual([3, []]);
  const recorded = await db.store.select().from(actions).where(eq(actions.subject, id)).orderBy(actions.id);
  expect(recorded.map(({ action, actorName }) => [action, actorName])).toEqual([
    ['request.measure', 'bo'],
    ['request.measured', 'bo'],
  ]);
  await db.store.update(approvalRequests).set({ status: 'executed' });
  await expect(measureRequest(bo, { id })).rejects.toMatchObject({ code: 'CONFLICT' });
});

test('the preview without running: columns, masks, triggers, cascades, estimate, transaction', async () => {
  await session.query('BEGIN; UPDATE orders SET total = 0 WHERE id = 2');
  const impact = await previewRequest(bo, { id: await hold("DELETE FROM customers WHERE ssn = '1'") });
  await session.query('ROLLBACK');
  expect(impact?.touched.tables.map(({ name, written, setOff }) => [name, written, setOff])).toEqual([
    ['public.customers', true, false],
    ['public.audit', true, true],
    ['public.orders', true, true],
    ['public.items', true, true],
  ]);
  expect(impact?.touched.tables[0]?.columns).toContainEqual({ name: 'ssn', written: false, maskedBy: 'ssn' });
  expect(impact?.touched.triggers).toEqual([{ table: 'public.customers', events: ['delete'], function: 'public.note' }]);
  expect(impact?.touched.cascades.map(({ from, to, action }) => `${from} ${action} ${to}`)).toEqual([
    'public.customers deletes rows of public.orders',
    'public.orders deletes rows of public.items',
  ]);
  expect(impact?.estimate?.cost).toBeGreaterThan(0);
  expect(impact?.transaction).toMatchObject({ state: 'idle in transaction', changed: true, blocking: 0 });
  expect(impact?.transaction?.locks).toBeGreaterThan(0);
  expect(impact?.against).toHaveLength(1);
});
