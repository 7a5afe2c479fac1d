import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startEmbedded } from '../db/embedded/start';
import { migrateStore } from '../db/migrate';
import { openStore } from '../db/store';
import { sealEntry } from '../proxy/record/seal';
import { createKeyring } from '../proxy/record/valueKeys';
import { wordKey, wordOf } from '../proxy/record/words';
import { auditFacets } from '../server/audit/facets';
import { getStatement } from '../server/audit/get';
import { statementHistogram } from '../server/audit/histogram';
import { searchStatements } from '../server/audit/search';
import { type Call, systemActor } from '../server/identity/actor';
import { fillStore } from './audit/fill';
import { makeForms, traffic } from './audit/traffic';

/**
 * Builds a store of many statements (10 million over 30 days, unless told otherwise) in an embedded PostgreSQL and runs the audit's verbs on
 * it as the console does. Prints the median and the 95th percentile of each query, and of all runs together; the first run of a query,
 * which finds nothing in PostgreSQL's own cache of it, counts like every other.
 */
const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000000' },
    days: { type: 'string', default: '30' },
    runs: { type: 'string', default: '7' },
    only: { type: 'string' },
    keep: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const count = Number(values.count);
const days = Number(values.days);
const runs = Number(values.runs);
const say = (line: string) => values.json || console.log(line);
const DAY_MS = 86_400_000;
const lastDay = '2026-11-25';
const end = new Date(`${lastDay}T23:30:00Z`);
const ago = (n: number) => new Date(end.getTime() - n * DAY_MS);

interface Case {
  name: string;
  run(call: Call, turn: number): Promise<{ found: number }>;
}
const search =
  (q: string, more: Record<string, unknown> = {}): Case['run'] =>
  async (call) => {
    const page = await searchStatements(call, { q, limit: 50, ...more });
    return { found: page.count.value };
  };
const deep = (q: string, pages: number): Case['run'] => {
  let cursor: string | null = null;
  return async (call) => {
    // To get there is not measured: a person has read those pages.
    for (let page = 0; cursor === null && page < pages; page++)
      cursor = (await searchStatements(call, { q, limit: 200, cursor, counted: false })).nextCursor;
    return { found: (await searchStatements(call, { q, limit: 50, cursor })).items.length };
  };
};
const histogram =
  (q: string, daysBack: number): Case['run'] =>
  async (call) => {
    const buckets = await statementHistogram(call, { q, from: ago(daysBack), to: end });
    return { found: buckets.reduce((sum, bucket) => sum + bucket.allow + bucket.hold + bucket.deny, 0) };
  };
const facets =
  (q: string, daysBack: number | null): Case['run'] =>
  async (call) => {
    const found = await auditFacets(call, daysBack === null ? { q } : { q, from: ago(daysBack), to: end });
    return { found: found.length };
  };
const named = (run: (q: string) => Case['run'], ...queries: string[]): Case[] =>
  queries.map((q) => ({ name: q === '' ? '(everything)' : q, run: run(q) }));

const CASES: Case[] = [
  ...named(search, '', 'who:agent-1', 'who:agent-39', 'who:rare-agent', 'who:agent-*', 'owner:person-3', 'owner:rare-person'),
  ...named(search, 'connection:warehouse', 'connection:archive', 'app:rare-app', 'address:192.168.*', 'address:10.0.1.*'),
  ...named(
    search,
    'kind:UPDATE',
    'kind:TRUNCATE',
    'table:orders',
    'table:quarterly_report',
    'table:*_5',
    'column:customers.email',
    'column:quarterly_report.total',
  ),
  ...named(
    search,
    'fingerprint:feedfacefeedface',
    `fingerprint:${makeForms(2)[1]?.fingerprint}`,
    'verdict:denied',
    'verdict:held',
    'rule:rule-3',
    'status:failed',
  ),
  ...named(
    search,
    'sqlstate:23505',
    'sqlstate:XX001',
    'sqlstate:99999',
    'masked:ssn',
    'masked:nothing',
    'request:req_123456',
    'session:ses_00000000000000100042',
  ),
  ...named(
    search,
    'rows:>2900',
    'rows:>1000',
    'rows:=7',
    'rows:>100000',
    'bytes:>4050',
    'duration:>800ms',
    'duration:>50ms',
    'duration:>10s',
  ),
  ...named(
    search,
    'quarterly_report',
    'customers',
    '"left join public.accounts"',
    'nowhere_to_be_found',
    'value:rare-value',
    'value:value-7',
    'value:unknown-value',
    'rare-value',
  ),
  ...named(
    search,
    'who:agent-1 table:orders',
    'who:agent-3 table:ledger',
    'who:agent-10 table:ledger',
    'who:agent-1 sqlstate:XX001',
    'who:agent-2 verdict:denied',
  ),
  ...named(
    search,
    'table:orders rows:>2500',
    'who:agent-39 duration:>500ms',
    'verdict:denied customers',
    'connection:warehouse kind:UPDATE sqlstate:40001',
    'masked:ssn who:agent-1 rows:>1000',
  ),
  ...named(search, 'who:agent-1 value:value-7', 'table:orders value:rare-value', 'who:agent-1 who:agent-2'),
  { name: 'who:agent-1, the last day', run: search('who:agent-1', { from: ago(1), to: end }) },
  { name: 'table:orders, the last week', run: search('table:orders', { from: ago(7), to: end }) },
  { name: '(everything), 20 days ago', run: search('', { from: ago(20), to: ago(19) }) },
  { name: '(everything), oldest first', run: search('', { sort: 'oldest' }) },
  { name: '(everything), slowest first', run: search('', { sort: 'slowest' }) },
  { name: 'table:orders, largest first', run: search('table:orders', { sort: 'largest' }) },
  { name: 'who:agent-1, page 41', run: deep('who:agent-1', 10) },
  { name: 'table:orders verdict:denied, page 41', run: deep('table:orders verdict:denied', 10) },
  { name: '(everything), page 81', run: deep('', 20) },
  ...[1, 7, 30].map((back) => ({ name: `histogram of everything, ${back} d`, run: histogram('', back) })),
  { name: 'histogram of who:agent-1, 30 d', run: histogram('who:agent-1', 30) },
  { name: 'histogram of table:orders, 6 h', run: histogram('table:orders', 0.25) },
  { name: 'histogram of rows:>2000, 1 d', run: histogram('rows:>2000', 1) },
  { name: 'histogram of verdict:denied, 30 d', run: histogram('verdict:denied', 30) },
  { name: 'facets of everything', run: facets('', null) },
  { name: 'facets of everything, 1 d', run: facets('', 1) },
  { name: 'facets of who:agent-1', run: facets('who:agent-1', null) },
  { name: 'facets of table:orders verdict:denied', run: facets('table:orders verdict:denied', null) },
  { name: 'facets of rows:>1000', run: facets('rows:>1000', null) },
];

const kept = values.keep;
const dataDir = kept ?? mkdtempSync(join(tmpdir(), 'gatehouse-search-'));
if (kept === undefined && process.getuid?.() === 0) chmodSync(dataDir, 0o711);
const secretKey = Buffer.alloc(32, 3);
const cluster = await startEmbedded({ dataDir });
try {
  const storeUrl = cluster.adminUrl('gatehouse');
  await migrateStore(storeUrl);
  const { store, close } = openStore(storeUrl, { max: 4, applicationName: 'gatehouse bench' });
  const client = new pg.Client({ connectionString: storeUrl });
  client.on('error', () => undefined);
  await client.connect();
  if ((await client.query('select 1 from statement_hours limit 1')).rows.length === 0) {
    const begun = performance.now();
    await fill(client, store);
    say(`built in ${Math.round((performance.now() - begun) / 1_000)} s`);
  }
  const size = (
    await client.query(
      'select pg_size_pretty(pg_database_size(current_database())) as size, (select sum(statements) from statement_hours where form_id = 0) as n, (select count(*) from statement_hours) as hours',
    )
  ).rows[0];
  say(`${size.n} statements, ${size.hours} counts of hours, ${size.size}`);
  const call: Call = { store, secretKey, actor: systemActor };
  const [some] = (await searchStatements(call, { q: '', from: ago(12), to: ago(11), limit: 1 })).items;
  const cases = [
    ...CASES,
    { name: 'one statement by its id', run: async () => ({ found: (await getStatement(call, { id: some?.id })) === null ? 0 : 1 }) },
  ];
  const all: number[] = [];
  const lines: { name: string; found: number; p50: number; p95: number }[] = [];
  for (const one of cases.filter(({ name }) => values.only === undefined || name.includes(values.only))) {
    const times: number[] = [];
    let found = 0;
    for (let turn = 0; turn < runs; turn++) {
      if (one.name.includes(', page ') && turn === 0) await one.run(call, turn);
      const begun = performance.now();
      found = (await one.run(call, turn)).found;
      times.push(performance.now() - begun);
    }
    all.push(...times);
    const line = { name: one.name, found, p50: percentile(times, 0.5), p95: percentile(times, 0.95) };
    lines.push(line);
    say(`${line.p50.toFixed(0).padStart(6)} ms  ${line.p95.toFixed(0).padStart(6)} ms  ${String(found).padStart(9)}  ${line.name}`);
  }
  const total = { queries: all.length, p50: percentile(all, 0.5), p95: percentile(all, 0.95), most: Math.max(...all) };
  if (values.json) console.log(JSON.stringify({ statements: Number(size.n), ...total, lines }));
  else say(`${total.queries} runs: p50 ${total.p50.toFixed(0)} ms, p95 ${total.p95.toFixed(0)} ms, slowest ${total.most.toFixed(0)} ms`);
  await client.end();
  await close();
} finally {
  await cluster.stop();
  if (kept === undefined) rmSync(dataDir, { recursive: true, force: true });
}

function percentile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

async function fill(client: pg.Client, store: Parameters<typeof createKeyring>[0]['store']): Promise<void> {
  const key = await createKeyring({ store, secretKey }).keyFor('bench', lastDay);
  const [entry] = traffic(1, end.getTime(), 1);
  if (entry === undefined) throw new Error('no traffic');
  const { values: sealed } = sealEntry(entry, {
    node: 'bench',
    journal: null,
    valueKey: key,
    wordKey: wordKey(secretKey),
    random: randomBytes,
  });
  const word = (value: string) => wordOf(wordKey(secretKey), value).toString();
  await fillStore(
    client,
    {
      count,
      days,
      lastDay,
      keyId: key.id,
      box: sealed?.sealed.box ?? Buffer.alloc(0),
      words: Array.from({ length: 1_000 }, (_, index) => word(`value-${index}`)),
      rareWord: word('rare-value'),
    },
    say,
  );
}
