import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import pg from 'pg';
import { expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { newId } from '../../db/ids';
import { migrateStore } from '../../db/migrate';
import { openAppendLog } from '../record/appendLog';
import { LeafGroup } from '../record/group';
import { sealEntry } from '../record/seal';
import { createShipper } from './ship';
import { TEST_NOON, testIntent, testOutcome, testSeal } from './testing';

const ROUNDS = 25;
const A_ROUND = 1_500;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Statements of which one in five has its outcome only in the next round. */
async function grow(log: ReturnType<typeof openAppendLog>, owed: string[]): Promise<string[]> {
  const seal = testSeal('crash');
  const ids = Array.from({ length: A_ROUND }, (_, index) => newId('stm', TEST_NOON + index));
  const later = ids.filter((_, index) => index % 5 === 0);
  const entries = [
    ...owed.splice(0).map((id) => testOutcome(id)),
    ...ids.flatMap((id, index) => (index % 5 === 0 ? [testIntent(id)] : [testIntent(id), testOutcome(id)])),
  ];
  owed.push(...later);
  await log.append(
    LeafGroup.of(entries.map((entry) => sealEntry(entry, { ...seal, journal: { name: 'w1', seq: null }, random: randomBytes }))),
    '',
  );
  return ids;
}

test(`a shipper that is killed at any moment, ${ROUNDS} times, copies every entry and none twice`, async () => {
  mkdirSync('dist', { recursive: true });
  const script = 'dist/ship-crashing.js';
  await build({
    ...{ entryPoints: ['proxy/ship/crashing.ts'], outfile: script, bundle: true, logLevel: 'error' },
    ...{ platform: 'node', format: 'esm', target: 'node20', packages: 'external' },
  });
  const database = await withPostgres();
  await migrateStore(database.url);
  const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-crash-'));
  const log = openAppendLog(dataDir);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const position = async () => Number((await client.query('select next_index from ship_positions')).rows[0]?.next_index ?? 0);
  const ids: string[] = [];
  const owed: string[] = [];
  const positions: number[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      ids.push(...(await grow(log, owed)));
      const child = spawn(process.execPath, [script, database.url, dataDir], { stdio: ['ignore', 'pipe', 'ignore'] });
      const exited = once(child, 'exit');
      await once(child.stdout, 'data');
      // From before it has connected until after it was done; every other time when it has begun to write, however slow the machine.
      const before = positions.at(-1) ?? 0;
      while (round % 2 === 1 && (await position()) === before) await wait(5);
      await wait(Math.random() * (round % 2 === 1 ? 100 : 800));
      child.kill('SIGKILL');
      await exited;
      positions.push(await position());
    }
    const shipper = createShipper({ storeUrl: database.url, log, node: 'crash' });
    ids.push(...(await grow(log, owed)));
    // What the last process had under way may still be on its way to being given up.
    for (let rest = -1; rest !== 0; ) rest = await shipper.round();
    await shipper.close();
    // The kills fell where they were to fall: some in the middle of the copying.
    expect(new Set(positions).size).toBeGreaterThan(3);
    const { rows } = await client.query<{ id: string; status: string }>('select id, status from statements order by id');
    expect(rows.length).toBe(ids.length);
    expect(rows.map((row) => row.id)).toEqual([...ids].sort());
    const late = new Set(owed);
    expect(rows.filter((row) => row.status !== (late.has(row.id) ? 'running' : 'done'))).toEqual([]);
    const { rows: hours } = await client.query(
      'select sum(statements) filter (where form_id = 0)::int as all_forms, sum(statements) filter (where form_id <> 0)::int as each, sum(rows) filter (where form_id = 0)::int as rows from statement_hours',
    );
    expect(hours).toEqual([{ all_forms: ids.length, each: ids.length, rows: 2 * (ids.length - owed.length) }]);
    expect((await client.query('select count(*)::int as n from statement_values')).rows).toEqual([{ n: ids.length }]);
  } finally {
    await client.end();
    log.close();
    rmSync(dataDir, { recursive: true });
    await database.drop();
  }
}, 240_000);
