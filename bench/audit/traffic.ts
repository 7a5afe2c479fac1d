import { createHash } from 'node:crypto';
import { newId } from '../../db/ids';
import type { OutcomeEntry, StatementEntry } from '../../proxy/journal/entries';

/** Numbers that look random and are the same in every run (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Of `count`, the first far more often than the last: one of rank r about 1/r as often. */
export const skewed = (random: () => number, count: number): number => Math.min(count - 1, Math.floor(count ** random()) - 1);

export interface FormOfTraffic {
  kind: string;
  sql: (value: string, number: number) => string;
  shape: string;
  fingerprint: string;
  table: string;
  columns: string[];
  write: boolean;
}

const TABLES = ['customers', 'orders', 'order_items', 'products', 'payments', 'invoices', 'tickets', 'sessions', 'events', 'accounts'];
const COLUMNS = ['id', 'name', 'email', 'status', 'amount', 'created_at', 'owner_id', 'region', 'phone', 'note'];

/** A few hundred texts over `TABLES`, most of them reads. */
export function makeForms(count: number): FormOfTraffic[] {
  return Array.from({ length: count }, (_, index) => {
    const table = `${TABLES[index % TABLES.length]}${index < 200 ? '' : `_${Math.floor(index / 50)}`}`;
    // Of one table no two have the same two columns: what tells texts apart is their shape, as it is of real ones.
    const turn = Math.floor(index / TABLES.length);
    const column = (step: number) => COLUMNS[(index + turn + step) % COLUMNS.length] ?? 'id';
    const [a, b, c] = [column(0), column(3 + Math.floor(turn / COLUMNS.length)), column(7)];
    const write = index % 7 === 3;
    const text = write
      ? (value: string, number: number) =>
          `UPDATE public.${table} SET ${b} = '${value}', ${c} = now() WHERE id = ${number} /* form ${index} */`
      : (value: string, number: number) =>
          `SELECT t.id, t.${a}, t.${b}, o.${c} FROM public.${table} t LEFT JOIN public.accounts o ON o.id = t.owner_id WHERE t.${a} = '${value}' AND t.id > ${number} ORDER BY t.id LIMIT ${10 + index}`;
    const shape = text('?', 0)
      .replaceAll(/'\?'|\b\d+\b/g, '?')
      .replace(/ \/\*.*/, '');
    return {
      kind: write ? 'UPDATE' : 'SELECT',
      sql: text,
      shape,
      fingerprint: createHash('sha256').update(shape).digest('hex').slice(0, 16),
      table: `public.${table}`,
      columns: [...new Set([a, b, c, 'id'])].map((column) => `public.${table}.${column}`),
      write,
    };
  });
}

/** Statements and their outcomes as workers record them: few principals ask most, most succeed, some are masked, held or denied. */
export function* traffic(count: number, startMs: number, perSecond: number): Generator<StatementEntry | OutcomeEntry> {
  const random = randomFrom(42);
  const forms = makeForms(300);
  const open: OutcomeEntry[] = [];
  for (let index = 0; index < count; index++) {
    const atMs = startMs + Math.floor((index * 1_000) / perSecond);
    const form = forms[skewed(random, forms.length)] ?? forms[0];
    if (form === undefined) return;
    const who = skewed(random, 40);
    const id = newId('stm', atMs);
    const denied = random() < 0.005;
    const failed = !denied && random() < 0.01;
    const session = who * 50 + Math.floor(random() * 50);
    const value = random() < 0.5 ? `value-${Math.floor(random() * 50)}` : `user${Math.floor(random() * 1e6)}@example.com`;
    yield {
      type: 'statement',
      id,
      sessionId: `ses_${String(session).padStart(20, '0')}`,
      principalName: `agent-${who}`,
      ownerName: who % 3 === 0 ? `person-${who % 7}` : null,
      connectionName: who % 5 === 0 ? 'warehouse' : 'shop',
      clientAddress: `10.0.${who % 4}.${who}:${40_000 + session}`,
      applicationName: who % 2 === 0 ? 'psql' : 'support-agent',
      atMs,
      kind: form.kind,
      sql: form.sql(value, Math.floor(random() * 1e5)),
      rewritten: null,
      fingerprint: form.fingerprint,
      shape: form.shape,
      touchedColumns: form.columns,
      runOf: null,
      transactionId: null,
      protocol: 'extended',
      parameters: [{ typeOid: 25, value: `p${Math.floor(random() * 1_000)}` }],
      relations: [{ name: form.table, access: form.write ? 'write' : 'read' }],
      effects: [form.write ? 'update' : 'read'],
      unbounded: false,
      verdict: denied ? 'deny' : 'allow',
      rule: denied ? 'no-mass-writes' : null,
      why: denied ? 'rule no-mass-writes: matched' : 'no rule matches, and the connection allows',
      tried: [
        { rule: 'no-destruction', mode: 'enforce', action: 'deny', matched: false, why: 'statements: not DROP, TRUNCATE' },
        { rule: 'no-mass-writes', mode: 'enforce', action: 'deny', matched: denied, why: 'unbounded' },
      ],
      policyVersion: 7,
      requestId: null,
      grantId: null,
      breakGlass: null,
      status: denied ? 'denied' : 'running',
      sqlstate: denied ? '42501' : null,
      analysisMs: 0.2,
      transactionStatus: 'I',
    };
    if (!denied)
      open.push({
        type: 'outcome',
        id,
        status: failed ? 'failed' : 'done',
        rows: failed ? 0 : Math.floor(random() ** 6 * 2_000),
        bytes: 80 + Math.floor(random() * 4_000),
        ...(failed ? { sqlstate: random() < 0.5 ? '23505' : '40001' } : {}),
        ...(who % 4 === 1 ? { maskedColumns: [`${form.table}.email`] } : {}),
        durationMs: 0.4 + random() ** 8 * 900,
        waitMs: 0,
        upstreamMs: 0.3,
        maskingMs: 0.05,
        atMs: atMs + 5,
      });
    // Some wait while others begin.
    while (open.length > 40) {
      const [next] = open.splice(Math.floor(random() * open.length), 1);
      if (next !== undefined) yield next;
    }
  }
  yield* open;
}
