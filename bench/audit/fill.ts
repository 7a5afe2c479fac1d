import type pg from 'pg';
import { dayOf, nextDay, startOfDay } from '../../proxy/ship/days';
import { BY_DAY, makePartitions, partitionName } from '../../proxy/ship/partitions';
import { makeForms } from './traffic';

export interface Filling {
  /** Statements, spread evenly over `days` that end with `lastDay`. */
  count: number;
  days: number;
  lastDay: string;
  /** Seals what every statement was sent with. */
  keyId: string;
  box: Buffer;
  /** Words of values, frequent ones; and one that a handful of statements have. */
  words: string[];
  rareWord: string;
}

/** Ranks of principals (40), applications and hosts; what is rare has rows of its own. */
const SOURCES = `
  insert into statement_sources (digest, node, principal_name, owner_name, connection_name, application_name, client_host, seen_on)
  select decode(md5('source ' || i), 'hex'), 'bench', 'agent-' || (i % 40), case when i % 3 = 0 then 'person-' || (i % 7) end,
    case when i % 5 = 0 then 'warehouse' else 'shop' end, case when i % 2 = 0 then 'psql' else 'support-agent' end, '10.0.' || (i % 4) || '.' || i, current_date
  from generate_series(1, 200) i order by i`;

const ID = `'stm_' || ${Array.from({ length: 9 }, (_, i) => `substr('0123456789abcdefghjkmnpqrstvwxyz', ((ms >> ${5 * (8 - i)}) & 31)::int + 1, 1)`).join(' || ')} || lpad(n::text, 11, '0')`;

/**
 * Makes a store as the shipper would have made it, by SQL: days, statements with their values, the hours' counts. Few principals and forms
 * have most of the statements; some values, texts, principals and errors are rare.
 */
export async function fillStore(client: pg.Client, filling: Filling, say: (line: string) => void): Promise<void> {
  await client.query(
    "set synchronous_commit = off; set maintenance_work_mem = '512MB'; set work_mem = '256MB'; set max_parallel_maintenance_workers = 0",
  );
  await client.query(SOURCES);
  await client.query(`insert into statement_sources (digest, node, principal_name, owner_name, connection_name, application_name, client_host, seen_on)
    values ('\\x01', 'bench', 'rare-agent', 'rare-person', 'archive', 'rare-app', '192.168.7.7', current_date)`);
  const forms = makeForms(300);
  await client.query(
    `insert into statement_forms (digest, kind, shape, fingerprint, protocol, relations, tables, columns, effects, unbounded, seen_on)
     select decode(md5(f.value::text), 'hex'), f.value->>'kind', f.value->>'shape', f.value->>'fingerprint', 'extended', '[]', array[f.value->>'table'],
       array(select jsonb_array_elements_text(f.value->'columns')), '["read"]', false, current_date
     from jsonb_array_elements($1::jsonb) with ordinality f order by f.ordinality`,
    [JSON.stringify(forms)],
  );
  await client.query(`insert into statement_forms (digest, kind, shape, fingerprint, protocol, relations, tables, columns, effects, unbounded, seen_on)
    values ('\\x01', 'TRUNCATE TABLE', 'truncate public.quarterly_report', 'feedfacefeedface', 'simple', '[]', '{public.quarterly_report}', '{public.quarterly_report.total}', '["delete"]', true, current_date),
           ('\\x02', 'SELECT', 'select total from public.ledger where id = ?', 'feedfacefeed0002', 'simple', '[]', '{public.ledger}', '{public.ledger.total}', '["read"]', false, current_date)`);
  await client.query(
    `insert into statement_masks (digest, columns, seen_on) select decode(md5('mask ' || i), 'hex'), array['public.customers.' || (array['ssn', 'email', 'phone', 'name'])[i]], current_date from generate_series(1, 4) i order by i`,
  );
  const perDay = Math.ceil(filling.count / filling.days);
  let day = dayOf(startOfDay(filling.lastDay) - (filling.days - 1) * 86_400_000);
  for (let done = 0; done < filling.days; done++, day = nextDay(day)) {
    await fillDay(client, filling, day, perDay, done * perDay);
    if (done % 5 === 4) say(`${(done + 1) * perDay} statements`);
  }
  await client.query(`insert into statement_hours (hour, source_id, form_id, verdict, status, sqlstate, rule, masked, statements, rows, bytes)
    select date_trunc('hour', at, 'UTC'), source_id, form, verdict, status, coalesce(sqlstate, ''), coalesce(rule, ''), mask_id is not null,
      count(*), sum(rows), sum(bytes) from statements cross join lateral (values (form_id), (0)) f(form) group by 1, 2, 3, 4, 5, 6, 7, 8 order by 1, 2, 3, 4, 5, 6, 7, 8`);
  await client.query('vacuum analyze');
}

async function fillDay(
  client: pg.Client,
  { keyId, box, words, rareWord }: Filling,
  day: string,
  count: number,
  before: number,
): Promise<void> {
  await makePartitions(client, day);
  // Rows first, indexes after: as the shipper leaves it, sooner.
  for (const table of BY_DAY) await client.query(`alter table ${table} detach partition ${partitionName(table, day)}`);
  const [rows, sealed] = [partitionName('statements', day), partitionName('statement_values', day)];
  await client.query(`drop table ${rows}, ${sealed}`);
  await client.query(`create table ${rows} (like statements); create table ${sealed} (like statement_values)`);
  const startMs = startOfDay(day);
  await client.query(
    `insert into ${rows} (id, at, source_id, form_id, session_id, client_port, verdict, rule, status, sqlstate, policy_version, transaction_status,
       request_id, broke_glass, rows, bytes, mask_id, duration_ms, analysis_ms, wait_ms, log_index, outcome_index, words)
     select ${ID}, to_timestamp(ms / 1000.0),
       case when rare and n % 3 = 0 then 201 else source end,
       case when rare and n % 3 = 1 then 301 when source = 10 and r1 < 0.1 then 302 else 1 + (source * 7 + floor(40 ^ r2)::bigint) % 300 end,
       'ses_' || lpad((source * 100000 + floor(r3 * 5000) + $5 / $2 * 7)::bigint::text, 20, '0'), 40000 + n % 20000,
       v, case when v <> 'allow' then 'rule-' || (n % 5) end,
       case when v = 'deny' then 'denied' when e is not null then 'failed' else 'done' end,
       case when v = 'deny' then '42501' else e end, 7, 'I', case when v = 'hold' then 'req_' || n end, false,
       floor(r4 ^ 6 * 3000), 80 + floor(r5 * 4000), case when source % 4 = 1 then 1 + n % 4 end, (0.4 + r1 ^ 8 * 900)::real, 0.2, 0, 2 * n, 2 * n + 1,
       case when rare and n % 3 = 2 then array[$4::bigint] else array[($3::bigint[])[1 + floor(r3 * array_length($3::bigint[], 1))::int], (r5 * 9e18)::bigint] end
     from (
       select n, $1::bigint + (n - $5) * 86400000 / $2 as ms, least(200, floor(200 ^ s))::bigint as source, r1, r2, r3, r4, r5,
         r3 < 0.00003 as rare, case when r5 < 0.005 then 'deny' when r5 < 0.007 then 'hold' else 'allow' end as v,
         case when r4 < 0.000002 then 'XX001' when r4 < 0.004 then '23505' when r4 < 0.009 then '40001' when r4 < 0.01 then '57014' end as e
       from (select n, random() as s, random() as r1, random() as r2, random() as r3, random() as r4, random() as r5
             from generate_series($5::bigint, $5::bigint + $2::bigint - 1) n) random
     ) drawn order by ms, n`,
    [startMs, count, words, rareWord, before],
  );
  await client.query(`insert into ${sealed} (id, at, key_id, box) select id, at, $1, $2 from ${rows} order by at, id`, [keyId, box]);
  for (const [table, name] of [
    ['statements', rows],
    ['statement_values', sealed],
  ])
    await client.query(
      `alter table ${table} attach partition ${name} for values from ('${day}T00:00:00Z') to ('${nextDay(day)}T00:00:00Z')`,
    );
}
