import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { S3Target, WitnessTarget } from '../../db/schema/auditShapes';
import { parseCheckpoint, signCheckpoint } from '../tlog/checkpoint';
import { leafHash } from '../tlog/hash';
import { parseNote, signatureOf, splitNotes, withSignatures } from '../tlog/note';
import { noteSigner } from '../tlog/noteKey';
import { hashesOf, rootAt } from '../tlog/subtrees';
import { bucketServer, type StandIn, witnessServer } from './standIns';
import { createWitnesses, type Witnesses } from './witnesses';

const signer = noteSigner('gatehouse/gw_1', Buffer.alloc(32, 1));
const leaves = Array.from({ length: 300 }, (_, index) => leafHash(Buffer.from(String(index))));
const hashAt = hashesOf(leaves);
const noteAt = (size: number, hashes = hashAt, by = signer) => signCheckpoint({ size, root: rootAt(size, hashes) }, by);
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-witness-'));
const KEYS = { id: 'AKIDEXAMPLE', secret: 'canary-object-store-secret' };

const opened: { close(): unknown }[] = [];
let troubles: string[] = [];
let cosigned: { size: number; lines: readonly string[] }[] = [];
const keep = <T extends { close(): unknown }>(thing: T): T => {
  opened.push(thing);
  return thing;
};

function open(targets: WitnessTarget[], options: { hashes?: typeof hashAt; env?: Record<string, string> } = {}): Witnesses {
  const witnesses = createWitnesses({
    hashAt: options.hashes ?? hashAt,
    env: options.env ?? {},
    now: () => 1_790_000_000_000,
    random: () => 0,
    onCosigned: (checkpoint, lines) => cosigned.push({ size: checkpoint.size, lines }),
    onTrouble: (name) => troubles.push(name),
    firstDelayMs: 20,
  });
  witnesses.configure(targets);
  return keep(witnesses);
}

async function publish(witnesses: Witnesses, ...notes: string[]): Promise<void> {
  for (const note of notes) {
    witnesses.publish(note);
    await witnesses.settle(2_000);
  }
}

const eventually = async (check: () => boolean) => {
  for (let tries = 0; tries < 400 && !check(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(check()).toBe(true);
};

beforeEach(() => {
  troubles = [];
  cosigned = [];
});
afterEach(async () => {
  for (const thing of opened.splice(0)) await thing.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a file', () => {
  test('gets each note once, and is only appended to', async () => {
    const path = join(folder, 'notes');
    const witnesses = open([{ type: 'file', path }]);
    await publish(witnesses, noteAt(5), noteAt(9));
    await publish(open([{ type: 'file', path }]), noteAt(9));
    appendFileSync(path, 'gatehouse/gw_1\n11\nhalf a no');
    await publish(open([{ type: 'file', path }]), noteAt(12));
    const text = readFileSync(path, 'utf8');
    expect(text.startsWith(`${noteAt(5)}\n${noteAt(9)}\ngatehouse/gw_1\n11\nhalf a no\n\n`)).toBe(true);
    expect(splitNotes(text)).toContain(noteAt(12));
    expect(witnesses.status()).toEqual([{ name: `file ${path}`, size: 9, atMs: 1_790_000_000_000, error: null }]);
  });

  test('whose folder is away is not written elsewhere, and gets the newest when it is back', async () => {
    const path = join(folder, 'mount', 'notes');
    const witnesses = open([{ type: 'file', path }]);
    witnesses.publish(noteAt(5));
    await eventually(() => troubles.length > 1);
    expect(existsSync(join(folder, 'mount'))).toBe(false);
    expect(witnesses.status()).toMatchObject([{ size: null, error: expect.stringContaining('ENOENT') }]);
    witnesses.publish(noteAt(9));
    mkdirSync(join(folder, 'mount'));
    await witnesses.settle(2_000);
    expect(readFileSync(path, 'utf8')).toBe(`${noteAt(9)}\n`);
    expect(witnesses.status()).toMatchObject([{ size: 9, error: null }]);
  });
});

describe('an object store', () => {
  const target = (bucket: StandIn, more: Partial<S3Target> = {}): S3Target => ({
    type: 's3',
    bucket: 'audit',
    endpoint: bucket.url,
    region: 'eu-central-1',
    prefix: 'checkpoints',
    accessKeyId: KEYS.id,
    secretAccessKey: KEYS.secret,
    ...more,
  });

  test('gets an object a checkpoint, signed, under lock, and never replaced', async () => {
    const bucket = keep(await bucketServer(KEYS, 'audit', { lock: true }));
    const witnesses = open([target(bucket, { lockDays: 10 })]);
    await publish(witnesses, noteAt(5), noteAt(9));
    expect([...bucket.objects.keys()]).toEqual([
      '/audit/checkpoints/gatehouse/gw_1/0000000000000005',
      '/audit/checkpoints/gatehouse/gw_1/0000000000000009',
    ]);
    const kept = bucket.objects.get('/audit/checkpoints/gatehouse/gw_1/0000000000000005');
    expect(kept?.body.toString()).toBe(noteAt(5));
    expect(kept?.retainUntil).toBe(new Date(1_790_000_000_000 + 10 * 86_400_000).toISOString());
    await publish(open([target(bucket)]), noteAt(9));
    expect(troubles).toEqual([]);
    expect(bucket.requests.at(-1)).toBe('GET /audit/checkpoints/gatehouse/gw_1/0000000000000009 200');
  });

  test('that holds another checkpoint of that size contradicts', async () => {
    const bucket = keep(await bucketServer(KEYS, 'audit', { lock: false }));
    await publish(open([target(bucket)]), noteAt(9));
    const forked = hashesOf(leaves.map((leaf, index) => (index === 4 ? leafHash(leaf) : leaf)));
    const witnesses = open([target(bucket)], { hashes: forked });
    witnesses.publish(noteAt(9, forked));
    await eventually(() => troubles.length > 0);
    expect(witnesses.status()[0]?.error).toContain('forked, rebuilt, or restored');
    expect(bucket.objects.size).toBe(1);
  });

  test.each([
    ['another secret', { secretAccessKey: 'other' }, 'SignatureDoesNotMatch'],
    ['no such bucket', { bucket: 'missing' }, 'it does not exist'],
    ['no lock on the bucket', { lockDays: 1 }, 'object lock may not be turned on'],
    ['nobody there', { endpoint: 'http://127.0.0.1:9' }, 'does not answer'],
  ])('%s is said, without the secret', async (_name, more, message) => {
    const bucket = keep(await bucketServer(KEYS, 'audit', { lock: false }));
    const witnesses = open([target(bucket, more)]);
    witnesses.publish(noteAt(5));
    await eventually(() => troubles.length > 0);
    const text = JSON.stringify(witnesses.status());
    expect(text).toContain(message);
    expect(text).not.toContain(KEYS.secret);
  });

  test('takes its keys from the environment where the policy names none', async () => {
    const bucket = keep(await bucketServer(KEYS, 'audit', { lock: false }));
    const { accessKeyId: _id, secretAccessKey: _secret, ...bare } = target(bucket);
    await publish(open([bare], { env: { AWS_ACCESS_KEY_ID: KEYS.id, AWS_SECRET_ACCESS_KEY: KEYS.secret } }), noteAt(9));
    expect(bucket.objects.size).toBe(1);
    const without = open([bare]);
    without.publish(noteAt(9));
    await eventually(() => troubles.length > 0);
    expect(without.status()[0]?.error).toContain('AWS_ACCESS_KEY_ID');
  });
});

describe('a witness that verifies', () => {
  const witnessKey = noteSigner('witness.example/1', Buffer.alloc(32, 9), 'witness');
  const target = (server: StandIn, more = {}): WitnessTarget => ({
    type: 'http',
    url: `${server.url}/log`,
    publicKey: witnessKey.text,
    ...more,
  });

  test('signs each step of the log, from wherever it was', async () => {
    const server = keep(await witnessServer(signer, witnessKey));
    await publish(open([target(server)]), noteAt(5), noteAt(6), noteAt(200), noteAt(200));
    expect(server.seen.size).toBe(200);
    expect(cosigned.map(({ size }) => size)).toEqual([5, 6, 200, 200]);
    const note = parseNote(withSignatures(noteAt(200), cosigned[2]?.lines ?? []));
    expect(signatureOf(note, witnessKey)).toBe('valid');
    // One that begins again is told where the witness is.
    await publish(open([target(server)]), noteAt(300));
    expect(server.seen.size).toBe(300);
    expect(server.requests.slice(-2)).toEqual(['POST /log/add-checkpoint 409', 'POST /log/add-checkpoint 200']);
  });

  test.each([
    ['a fork', 'forked, rebuilt'],
    ['a shorter log', 'forked, rebuilt'],
    ['another key of the log', 'its public key there is another'],
    ['another log', 'does not know the log'],
    ['another witness', 'not that of the key it should have'],
    ['no token', 'answered 401'],
    ['nobody there', 'does not answer'],
  ])('%s is not signed, and why is said', async (name, message) => {
    const server = keep(
      await witnessServer(
        signer,
        name === 'another witness' ? noteSigner('witness.example/1', Buffer.alloc(32, 10), 'witness') : witnessKey,
        name === 'no token' ? 'canary' : null,
      ),
    );
    const forked = hashesOf(leaves.map((leaf, index) => (index === 4 ? leafHash(leaf) : leaf)));
    if (name === 'a fork' || name === 'a shorter log') await publish(open([target(server)]), noteAt(100));
    const hashes = name === 'a fork' ? forked : hashAt;
    const by =
      name === 'another key of the log'
        ? noteSigner('gatehouse/gw_1', Buffer.alloc(32, 2))
        : name === 'another log'
          ? noteSigner('gatehouse/gw_2', Buffer.alloc(32, 1))
          : signer;
    const before = server.seen.size;
    const witnesses = open([name === 'nobody there' ? { type: 'http', url: 'http://127.0.0.1:9/log' } : target(server)], { hashes });
    witnesses.publish(noteAt(name === 'a shorter log' ? 50 : 200, hashes, by));
    await eventually(() => troubles.length > 0);
    expect(witnesses.status()).toMatchObject([{ size: null, error: expect.stringContaining(message) }]);
    if (name !== 'another witness') expect(server.seen.size).toBe(before);
  });

  test('shows its token to nobody', async () => {
    const server = keep(await witnessServer(signer, witnessKey, 'canary-token'));
    const witnesses = open([target(server, { token: 'canary-token' })]);
    await publish(witnesses, noteAt(5));
    expect(witnesses.status()).toMatchObject([{ size: 5, error: null }]);
    expect(JSON.stringify(witnesses.status())).not.toContain('canary-token');
  });

  test('one that is away holds up none of the others', async () => {
    const server = keep(await witnessServer(signer, witnessKey));
    const path = join(folder, 'beside');
    const witnesses = open([{ type: 'http', url: 'http://127.0.0.1:9' }, target(server), { type: 'file', path }]);
    const startedAt = performance.now();
    witnesses.publish(noteAt(5));
    expect(performance.now() - startedAt).toBeLessThan(100);
    await eventually(() => witnesses.status().filter(({ size }) => size === 5).length === 2);
    expect(witnesses.status()[0]).toMatchObject({ size: null, error: expect.stringContaining('does not answer') });
    // What stays in the policy keeps what it knows; what is taken out is asked no more.
    witnesses.configure([target(server)]);
    expect(witnesses.status()).toMatchObject([{ size: 5 }]);
  });
});

describe('git', () => {
  const git = (path: string, ...args: string[]) => execFileSync('git', ['--git-dir', path, ...args], { encoding: 'utf8' }).trim();

  test('gets a commit a checkpoint, in a branch of the log, and pushes it', async () => {
    const path = join(folder, 'notes.git');
    const remote = join(folder, 'remote.git');
    execFileSync('git', ['init', '--quiet', '--bare', remote]);
    await publish(open([{ type: 'git', path, remote }]), noteAt(5), noteAt(9));
    await publish(open([{ type: 'git', path, remote }]), noteAt(9), noteAt(12));
    const branch = 'checkpoints/gatehouse/gw_1';
    for (const place of [path, remote]) {
      expect(git(place, 'log', '--format=%s', branch).split('\n')).toEqual([12, 9, 5].map((size) => `gatehouse/gw_1: ${size} entries`));
      expect(`${git(place, 'show', `${branch}:gatehouse_gw_1.checkpoint`)}\n`).toBe(noteAt(12));
    }
    expect(parseCheckpoint(`${git(path, 'show', `${branch}~2:gatehouse_gw_1.checkpoint`)}\n`).size).toBe(5);
    expect(troubles).toEqual([]);
  });

  test('two logs share a branch that is named', async () => {
    const path = join(folder, 'shared.git');
    const other = noteSigner('gatehouse/gw_2', Buffer.alloc(32, 3));
    await publish(open([{ type: 'git', path, branch: 'main' }]), noteAt(5), noteAt(7, hashAt, other), noteAt(9));
    expect(git(path, 'ls-tree', '--name-only', 'main').split('\n')).toEqual(['gatehouse_gw_1.checkpoint', 'gatehouse_gw_2.checkpoint']);
  });

  test('a push that fails is tried again, and shows no password', async () => {
    const path = join(folder, 'pushed.git');
    const witnesses = open([{ type: 'git', path, remote: 'http://user:canary-password@127.0.0.1:9/x.git' }]);
    witnesses.publish(noteAt(5));
    await eventually(() => troubles.length > 0);
    const text = JSON.stringify(witnesses.status());
    expect(text).toContain('git push failed');
    expect(text).not.toContain('canary-password');
  });

  test('that is not installed is said', async () => {
    const path = process.env.PATH;
    process.env.PATH = folder;
    try {
      const witnesses = open([{ type: 'git', path: join(folder, 'none.git') }]);
      witnesses.publish(noteAt(5));
      await eventually(() => troubles.length > 0);
      expect(witnesses.status()[0]?.error).toContain('git is not installed');
    } finally {
      process.env.PATH = path;
    }
  });

  test('a path that is something else is said', async () => {
    const path = join(folder, 'a-file');
    writeFileSync(path, 'x');
    const witnesses = open([{ type: 'git', path }]);
    witnesses.publish(noteAt(5));
    await eventually(() => troubles.length > 0);
    expect(witnesses.status()[0]?.error).toMatch(/^git .* failed/);
  });
});
