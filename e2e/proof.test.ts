import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiAsAdmin, signEverySecond } from './api';
import { gatehouse } from './cli';
import { eventually, failure, open, proxySettings } from './clients';
import { isSigned, leafOf, merkleRoot, newSigner } from './forger';
import { makeDataDir, removeDataDir, sharedGateway, startGateway } from './gateway';

const gateway = sharedGateway();
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-proof-'));
const mark = `proof_${Date.now().toString(36)}`;
const SECRET = `canary-${mark}`;
const root = fileURLToPath(new URL('..', import.meta.url));
const kept = join(folder, 'kept.txt');
const exportFile = join(folder, 'record.jsonl');
let statement = '';
let lines: string[] = [];

/** As on another machine: no gateway, no token, no data directory, no secret. */
function verify(
  text: string,
  ...options: string[]
): { code: number | null; report: { ok: boolean; findings: { kind: string; message: string }[] }; output: string } {
  const path = join(folder, 'tampered.jsonl');
  writeFileSync(path, text);
  return verifyFile(path, ...options);
}

function verifyFile(path: string, ...options: string[]) {
  const run = spawnSync(process.execPath, [join(root, 'dist/cli.js'), 'audit', 'verify', path, '--json', ...options], {
    cwd: folder,
    env: { PATH: '', NODE_ENV: 'production' },
    encoding: 'utf8',
  });
  return { code: run.status, report: JSON.parse(run.stdout || '{"ok":null,"findings":[]}'), output: `${run.stdout}${run.stderr}` };
}

const joined = (changed: readonly string[]) => changed.map((line) => `${line}\n`).join('');

beforeAll(async () => {
  const admin = apiAsAdmin(gateway);
  const before = await signEverySecond(admin);
  const bot = await open(proxySettings(gateway, { applicationName: mark }));
  await bot.query(`SELECT '${mark}_first'`);
  await bot.query('BEGIN');
  await bot.query('SELECT count(*) FROM products WHERE name <> $1', [SECRET]);
  await bot.query('ROLLBACK');
  await failure(bot.query('SELECT 1/0'));
  await failure(bot.query(`TRUNCATE orders /* ${mark} */`));
  const found = await eventually('the statement in the store', async () => {
    const page = await admin.audit.search.query({ q: `${mark}_first` });
    return page.items[0]?.status === 'done' && page.items[0];
  });
  statement = found.id;
  await eventually(
    'a checkpoint',
    async () => {
      const run = await gatehouse(gateway, ['audit', 'prove', statement, '--out', join(folder, 'proof.jsonl')]);
      return run.code === 0;
    },
    60_000,
  );
  expect((await gatehouse(gateway, ['audit', 'checkpoint', '--out', kept])).code).toBe(0);
  await bot.query(`SELECT '${mark}_second'`);
  await bot.end();
  // The next checkpoint covers what came behind the kept one.
  const size = Number(readFileSync(kept, 'utf8').split('\n')[1]);
  await eventually('the next checkpoint', async () => (await admin.record.checkpoint.query()).size > size, 60_000);
  await admin.policy.applyYaml.mutate({ yaml: before, dryRun: false });
  const run = await gatehouse(gateway, ['audit', 'export', '--out', exportFile, '--with-values']);
  expect(run.stderr).toBe('');
  expect(run.stdout).toContain('audit verify');
  lines = readFileSync(exportFile, 'utf8').split('\n').slice(0, -1);
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('an export', () => {
  test('is verified offline, against the kept checkpoint and against the key', () => {
    const { code, report, output } = verifyFile(exportFile, '--checkpoint', kept);
    expect(report.findings, output).toEqual([]);
    expect(code).toBe(0);
    expect(report).toMatchObject({ ok: true, type: 'export', from: 0, keptMet: [Number(readFileSync(kept, 'utf8').split('\n')[1])] });
    const { publicKey } = JSON.parse(lines[0] ?? '{}');
    expect(verifyFile(exportFile, '--public-key', publicKey).code).toBe(0);
    expect(verifyFile(exportFile, '--public-key', newSigner(publicKey.split('+')[0]).publicKey).code).toBe(1);
  });

  test('agrees with what the specifications say, read by other code', () => {
    const { checkpoint } = JSON.parse(lines.at(-1) ?? '{}');
    const { publicKey } = JSON.parse(lines[0] ?? '{}');
    const [, size, rootText] = checkpoint.split('\n');
    const leaves = lines.slice(1, -1).map((line) => Buffer.from(leafOf(line)));
    expect(leaves).toHaveLength(Number(size));
    expect(merkleRoot(leaves).toString('base64')).toBe(rootText);
    expect(isSigned(checkpoint, publicKey)).toBe(true);
  });

  test('shows values only where it was asked to, and never outside of them', async () => {
    const file = join(folder, 'closed.jsonl');
    expect((await gatehouse(gateway, ['audit', 'export', '--out', file])).code).toBe(0);
    const closed = readFileSync(file, 'utf8');
    expect(closed).not.toContain(SECRET);
    expect(closed).not.toContain(`${mark}_first`);
    expect(verifyFile(file, '--checkpoint', kept).code).toBe(0);
    const opened = lines.filter((line) => line.includes(SECRET));
    expect(opened.length).toBeGreaterThan(0);
    for (const line of opened) expect(leafOf(line)).not.toContain(SECRET);
  });

  test('is recorded before it is given', async () => {
    const { items } = await apiAsAdmin(gateway).audit.actions.query({});
    expect(items.find((item) => item.action === 'record.export')).toMatchObject({ after: expect.objectContaining({ from: 0 }) });
  });

  test('of a time begins later and is tied to the kept checkpoint', async () => {
    const file = join(folder, 'since.jsonl');
    const run = await gatehouse(gateway, ['audit', 'export', '--out', file, '--since', '1h', '--checkpoint', kept]);
    expect(run.code, run.stderr).toBe(0);
    expect(verifyFile(file, '--checkpoint', kept).report.findings).toEqual([]);
  });

  test('is refused to who may not, and leaves no file', async () => {
    const file = join(folder, 'refused.jsonl');
    const run = await gatehouse(gateway, ['audit', 'export', '--out', file], { GATEHOUSE_TOKEN: 'gh_at_nobody' });
    expect(run.code).toBe(1);
    expect(existsSync(file)).toBe(false);
    expect((await gatehouse(gateway, ['audit', 'export'])).code).toBe(2);
    expect((await gatehouse(gateway, ['audit', 'export', '--out', file, '--since', 'yesterday'])).code).toBe(2);
  });

  test('a kept checkpoint is not written over', async () => {
    const before = readFileSync(kept, 'utf8');
    const run = await gatehouse(gateway, ['audit', 'checkpoint', '--out', kept]);
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining('not written over') });
    expect(readFileSync(kept, 'utf8')).toBe(before);
  });
});

test('a gateway that was killed twice at work goes on with the same log: what was kept before still holds', async () => {
  const dataDir = makeDataDir();
  const notes: string[] = [];
  try {
    for (let run = 0; run < 3; run++) {
      const own = await startGateway({ dataDir });
      const last = run === 2;
      if (run === 0) await signEverySecond(apiAsAdmin(own));
      try {
        const bot = await open(proxySettings(own));
        let answered = 0;
        const busy = (async () => {
          for (let n = 0; n < 400; n++) {
            await bot.query('SELECT $1::int', [n]);
            answered++;
          }
        })().catch(() => undefined);
        // A loaded machine may sign before its first answer.
        await eventually('an answer', async () => answered > 0);
        const note = join(folder, `run-${run}.txt`);
        await eventually('a checkpoint', async () => (await gatehouse(own, ['audit', 'checkpoint', '--out', note])).code === 0, 60_000);
        notes.push(note);
        if (!last) await own.killHard();
        await busy;
        expect(answered).toBeGreaterThan(0);
        if (!last) continue;
        await bot.end();
        const file = join(folder, 'killed.jsonl');
        expect((await gatehouse(own, ['audit', 'export', '--out', file])).code).toBe(0);
        for (const kept of notes) {
          const { code, output } = verifyFile(file, '--checkpoint', kept);
          expect(code, output).toBe(0);
        }
      } finally {
        await own.stop().catch(() => undefined);
      }
    }
  } finally {
    removeDataDir(dataDir);
  }
}, 300_000);

describe('a witness', () => {
  test('that is a file gets checkpoints as they are signed, and an export is verified against all of them', async () => {
    const admin = apiAsAdmin(gateway);
    const witness = join(folder, 'witness.txt');
    const before = (await admin.policy.export.query()).yaml;
    const bot = await open(proxySettings(gateway, { applicationName: mark }));
    try {
      await admin.policy.applyYaml.mutate({
        yaml: `${before}\naudit: { checkpointEvery: 1s, witnesses: [{ type: file, path: ${witness} }] }\n`,
        dryRun: false,
      });
      const sizes = () => (existsSync(witness) ? readFileSync(witness, 'utf8').match(/(?<=^gatehouse\/\S+\n)\d+$/gm) : null) ?? [];
      await eventually('checkpoints at the witness', async () => (await bot.query('SELECT 1')) && sizes().length > 2, 60_000);
    } finally {
      await bot.end();
      await admin.policy.applyYaml.mutate({ yaml: before, dryRun: false });
    }
    const file = join(folder, 'witnessed.jsonl');
    expect((await gatehouse(gateway, ['audit', 'export', '--out', file])).code).toBe(0);
    const { code, report, output } = verifyFile(file, '--checkpoint', witness);
    expect(report.findings, output).toEqual([]);
    expect(code).toBe(0);
    expect(JSON.parse(output).keptMet.length).toBeGreaterThan(2);
  }, 120_000);
});

describe('the proof of one statement', () => {
  test('holds without the others, shows what ran, and is tied to a kept checkpoint', async () => {
    const file = join(folder, 'one.jsonl');
    const run = await gatehouse(gateway, ['audit', 'prove', statement, '--out', file, '--checkpoint', kept]);
    expect(run.code, run.stderr).toBe(0);
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(`${mark}_first`);
    expect(text).not.toContain(SECRET);
    expect(verifyFile(file, '--checkpoint', kept)).toMatchObject({ code: 0, report: { ok: true, type: 'statement', findings: [] } });
    expect(verify(text.replace('"verdict":"allow"', '"verdict":"deny"')).code).toBe(1);
    expect(verify(text.replace(`${mark}_first`, `${mark}_third`)).code).toBe(1);
  });

  test('of nothing is none', async () => {
    const run = await gatehouse(gateway, ['audit', 'prove', `stm_${statement.slice(4, 13)}00000000000`]);
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('has no statement') });
    expect((await gatehouse(gateway, ['audit', 'prove', 'x'])).code).toBe(2);
  });
});

describe('tampering with a real export', () => {
  const whole = () => joined(lines);
  const edit = (needle: string, change: (line: string) => string) =>
    joined(lines.map((line) => (line.includes(needle) && line.includes('"type":"statement"') ? change(line) : line)));
  const middle = () => Math.floor(lines.length / 2);
  const keptLine = () => Number(readFileSync(kept, 'utf8').split('\n')[1]) - 3;
  const swap = (a: number, b: number) =>
    joined(lines.map((line, at) => (at === a ? (lines[b] ?? '') : at === b ? (lines[a] ?? '') : line)));
  const renumbered = (from: readonly string[]) => from.map((line, at) => line.replace(/^\{"index":\d+/, `{"index":${at - 1}`));
  /** All of it made anew with one entry changed, and signed. */
  const rebuilt = (sameName: boolean) => {
    const header = JSON.parse(lines[0] ?? '{}');
    const signer = newSigner(sameName ? header.origin : 'gatehouse/forged');
    const entries = lines.slice(1, -1).map((line, at) => (at === keptLine() ? line.replace('"v":1', '"v":1,"x":1') : line));
    const top = merkleRoot(entries.map((line) => Buffer.from(leafOf(line)))).toString('base64');
    const origin = signer.publicKey.split('+')[0];
    const note = signer.sign(`${origin}\n${entries.length}\n${top}\n`);
    return joined([
      JSON.stringify({ ...header, origin, publicKey: signer.publicKey }),
      ...entries,
      JSON.stringify({ type: 'end', checkpoint: note }),
    ]);
  };

  test.each<[string, () => string]>([
    ['an SQL text changed', () => edit(`${mark}_first`, (line) => line.replace(`${mark}_first`, `${mark}_other`))],
    ['a verdict changed', () => edit(`${mark}_first`, (line) => line.replace('"verdict":"allow"', '"verdict":"deny"'))],
    ['a principal changed', () => edit(`${mark}_first`, (line) => line.replace('support-bot', 'somebody'))],
    ['a time changed', () => edit(`${mark}_first`, (line) => line.replace(/"atMs":\d/, '"atMs":9'))],
    ['a number of rows changed', () => whole().replace(/"rows":\d+/, '"rows":99')],
    ['a commitment changed', () => edit(`${mark}_first`, (line) => line.replace(/"values":\{"sql":"../, '"values":{"sql":"zz'))],
    ['a salt changed', () => edit(`${mark}_first`, (line) => line.replace(/"opened":\{"sql":\["../, '"opened":{"sql":["zz'))],
    ['an entry dropped', () => joined(lines.filter((_, at) => at !== middle()))],
    [
      'an entry dropped, the rest renumbered',
      () => joined([lines[0] ?? '', ...renumbered(lines.filter((_, at) => at !== middle())).slice(1)]),
    ],
    ['the first entry dropped', () => joined(lines.filter((_, at) => at !== 1))],
    ['the last entry dropped', () => joined(lines.filter((_, at) => at !== lines.length - 2))],
    ['two entries exchanged', () => swap(middle(), middle() + 1)],
    [
      'two entries exchanged and renumbered',
      () =>
        joined(
          renumbered(
            swap(middle(), middle() + 1)
              .split('\n')
              .slice(0, -1),
          ),
        ),
    ],
    ['a line twice', () => joined(lines.flatMap((line, at) => (at === middle() ? [line, line] : [line])))],
    ['cut in the middle', () => joined(lines.slice(0, middle()))],
    ['cut within the last line', () => whole().slice(0, -30)],
    ['without its header', () => joined(lines.slice(1))],
    ['rebuilt with another key', () => rebuilt(true)],
    ['rebuilt as another log', () => rebuilt(false)],
    [
      'another last checkpoint',
      () => joined([...lines.slice(0, -1), JSON.stringify({ type: 'end', checkpoint: readFileSync(kept, 'utf8') })]),
    ],
    ['cut back to before the kept checkpoint', () => joined([...lines.slice(0, keptLine()), lines.at(-1) ?? ''])],
    [
      'another size in the last checkpoint',
      () => whole().replace(/\\n(\d+)\\n(?=[^"]*"\}\n$)/, (_, size: string) => `\\n${Number(size) + 1}\\n`),
    ],
    ['another signature', () => whole().replace(/.{6}=\\n"\}\n$/, 'AAAAAA=\\n"}\n')],
    ['another key', () => whole().replace(/"publicKey":"[^"]+"/, `"publicKey":"${newSigner('x').publicKey}"`)],
    [
      'an invented beginning',
      () => whole().replace('"prefix":{"size":0,"hashes":[]}', `"prefix":{"size":1,"hashes":["${'A'.repeat(43)}="]}`),
    ],
    [
      'an entry added',
      () =>
        joined([
          ...lines.slice(0, -1),
          (lines[middle()] ?? '').replace(/^\{"index":\d+/, `{"index":${lines.length - 2}`),
          lines.at(-1) ?? '',
        ]),
    ],
    ['text that is no JSON', () => whole().replace('{"index":3', '{"index" :3')],
  ])('%s is found', (_name, tampered) => {
    const text = tampered();
    expect(text).not.toBe(whole());
    const { code, report, output } = verify(text, '--checkpoint', kept);
    expect({ code, ok: report.ok }, output).toEqual({ code: 1, ok: false });
    expect(report.findings.length).toBeGreaterThan(0);
  });

  test('in words for a person', () => {
    const path = join(folder, 'said.jsonl');
    writeFileSync(
      path,
      edit(`${mark}_first`, (line) => line.replace('"verdict":"allow"', '"verdict":"deny"')),
    );
    const run = spawnSync(process.execPath, [join(root, 'dist/cli.js'), 'audit', 'verify', path, '--checkpoint', kept], {
      cwd: folder,
      env: { PATH: '', NODE_ENV: 'production' },
      encoding: 'utf8',
    });
    expect(run.status).toBe(1);
    expect(run.stdout).toMatch(/^FAILED: /);
    expect(run.stdout).toContain('not what was signed');
    expect(
      spawnSync(process.execPath, [join(root, 'dist/cli.js'), 'audit', 'verify', join(folder, 'nothing')], {
        cwd: folder,
        env: { PATH: '', NODE_ENV: 'production' },
      }).status,
    ).toBe(2);
  });
});
