import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoToken } from '../api';
import { DEMO_AGENT, eventually, failure, open, proxySettings } from '../clients';
import { type RunningGateway, startGateway } from '../gateway';
import { cstring, fieldsOf, frame, startUp, WireClient } from '../wireClient';
import { askedFor, bindingOf, SSL_REQUEST, secured, signInOver, tcp } from './client';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-door-'));
const certPath = join(folder, 'server.crt');
const keyPath = join(folder, 'server.key');
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

interface Pair {
  certificate: string;
  key: string;
}

function certificateFor(name: string, newKey = ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']): Pair {
  const [key, certificate] = [join(folder, 'made.key'), join(folder, 'made.crt')];
  const names = ['-subj', `/CN=${name}`, '-days', '60'];
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', ...newKey, '-nodes', ...names, '-keyout', key, '-out', certificate]);
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
}

const write = (pair: Pair) => {
  writeFileSync(certPath, pair.certificate);
  writeFileSync(keyPath, pair.key);
};

/** A gateway of its own: with a certificate from files, SCRAM only, and two seconds to sign in. */
describe.skipIf(!hasOpenssl)('the door (needs openssl on PATH)', () => {
  let gateway: RunningGateway;
  let agent: { user: string; password: string; database: string };
  beforeAll(async () => {
    write(certificateFor('first.example'));
    gateway = await startGateway({
      env: {
        PROXY_TLS_CERT: certPath,
        PROXY_TLS_KEY: keyPath,
        PROXY_SIGN_IN: 'scram',
        PROXY_SIGN_IN_TIMEOUT: '2s',
        PROXY_MAX_UNAUTHENTICATED: '600',
      },
    });
    agent = { user: DEMO_AGENT, password: demoToken(gateway), database: 'shop' };
  });
  afterAll(async () => {
    await gateway.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const subjectSeen = async () => {
    const socket = await secured(gateway.proxyPort);
    const subject = socket.getPeerX509Certificate()?.subject;
    socket.destroy();
    return subject;
  };
  const logged = (words: string) =>
    readFileSync(gateway.logFile, 'utf8')
      .split('\n')
      .filter((line) => line.includes(words));

  /** From connecting to ReadyForQuery. */
  async function timeOf(settings: ReturnType<typeof proxySettings>): Promise<number> {
    const from = performance.now();
    const session = await open(settings);
    const ms = performance.now() - from;
    await session.end();
    return ms;
  }

  describe('PROXY_SIGN_IN=scram', () => {
    test('asks plain loopback for a proof as well, and takes no password in clear', async () => {
      const signed = await signInOver(await tcp(gateway.proxyPort), agent);
      expect(signed).toMatchObject({ error: null, asked: 10, mechanisms: ['SCRAM-SHA-256'] });
      signed.client.close();
      const client = await WireClient.connect(gateway.proxyPort);
      client.send(startUp({ user: agent.user, database: 'shop' }));
      await client.until('R');
      client.send(frame('p', cstring(agent.password)));
      const [error] = await client.until('E');
      expect(error && fieldsOf(error)).toMatchObject({ S: 'FATAL', C: '08P01' });
    });

    test('drivers work without TLS and with it', async () => {
      const plain = proxySettings(gateway);
      for (const settings of [plain, { ...plain, ssl: { rejectUnauthorized: false } }]) {
        const session = await open(settings);
        expect((await session.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
        await session.end();
        expect(await failure(open({ ...settings, password: 'wrong' }))).toMatchObject({ code: '28P01' });
      }
    });
  });

  describe('the certificate', () => {
    test('is the one in the files; one that changed is shown to the next client, and no session is dropped', async () => {
      expect(await subjectSeen()).toBe('CN=first.example');
      const socket = await secured(gateway.proxyPort);
      const binding = bindingOf(socket);
      socket.destroy();
      const before = await open({ ...proxySettings(gateway), ssl: { rejectUnauthorized: false } });
      const { rows: pid } = await before.query('SELECT pg_backend_pid() AS pid');

      const next = certificateFor('second.example');
      writeFileSync(certPath, next.certificate);
      await eventually('both workers refuse half a pair', async () => logged('changed certificate not used').length >= 2);
      expect(await subjectSeen()).toBe('CN=first.example');
      writeFileSync(keyPath, next.key);
      await eventually('both workers use the new one', async () => logged('second.example').length >= 2);
      for (let i = 0; i < 6; i++) expect(await subjectSeen()).toBe('CN=second.example');

      expect((await before.query('SELECT pg_backend_pid() AS pid')).rows).toEqual(pid);
      await before.end();
      const signed = await signInOver(await secured(gateway.proxyPort), agent);
      expect(signed.error).toBeNull();
      signed.client.close();
      // A proof that was bound to the old one is worth nothing now.
      expect((await signInOver(await secured(gateway.proxyPort), { ...agent, binding })).error).toMatchObject({ C: '28000' });
    });

    test('one of Ed25519 has nothing to bind to: -PLUS is not offered, and the rest works', async () => {
      write(certificateFor('ed.example', ['ed25519']));
      await eventually('both workers use it', async () => logged('ed.example').length >= 2);
      const signed = await signInOver(await secured(gateway.proxyPort), agent);
      expect(signed).toMatchObject({ error: null, mechanisms: ['SCRAM-SHA-256'] });
      signed.client.close();
      write(certificateFor('third.example'));
      await eventually('both workers use another', async () => logged('third.example').length >= 2);
    });

    test('is not what a gateway starts with when it cannot be used', async () => {
      const broken = join(folder, 'broken.key');
      writeFileSync(broken, certificateFor('other.example').key);
      await expect(startGateway({ env: { PROXY_TLS_CERT: certPath, PROXY_TLS_KEY: broken } })).rejects.toThrow(
        /TLS certificate cannot be used: the key does not belong to the certificate/,
      );
    });
  });

  describe('trap-16-half-open', () => {
    /** How long a socket lives that does what `start` does. */
    const lifetime = async (start: (socket: Socket) => void | Promise<void>) => {
      const socket = await tcp(gateway.proxyPort);
      const from = performance.now();
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.on('data', () => undefined);
      await start(socket);
      await closed;
      return performance.now() - from;
    };

    test.each<[string, (socket: Socket) => void | Promise<void>]>([
      ['silence', () => undefined],
      ['half a start-up packet', (socket) => void socket.write(startUp(agent).subarray(0, 20))],
      ['SSLRequest and then silence', (socket) => void socket.write(SSL_REQUEST)],
      ['a TLS record that never ends', (socket) => void socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]))],
      ['a start-up packet and no proof', (socket) => void socket.write(startUp({ user: agent.user, database: 'shop' }))],
      [
        'one byte a second',
        (socket) => {
          const packet = startUp({ user: agent.user, database: 'shop' });
          let at = 0;
          const drip = setInterval(() => socket.write(packet.subarray(at, ++at)), 1_000);
          socket.once('close', () => clearInterval(drip));
        },
      ],
      [
        'one byte of TLS a second',
        async (socket) => {
          await askedFor(socket, SSL_REQUEST);
          socket.resume();
          const record = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0, 0, 0]);
          let at = 0;
          const drip = setInterval(() => socket.write(record.subarray(at, ++at)), 1_000);
          socket.once('close', () => clearInterval(drip));
        },
      ],
    ])('%s ends at the deadline', async (_, start) => {
      const ms = await lifetime(start);
      expect(ms).toBeGreaterThan(1_900);
      // What is said at the end may linger for a second.
      expect(ms).toBeLessThan(4_000);
    });

    test('two thousand half-open sockets, in plain and in the middle of a handshake, delay nobody’s sign-in', async () => {
      const plain = proxySettings(gateway);
      const secure = { ...plain, ssl: { rejectUnauthorized: false } };
      const settings = (i: number) => (i % 2 === 0 ? plain : secure);
      // Each worker's first sign-ins load the catalog.
      for (let i = 0; i < 10; i++) await timeOf(settings(i));
      const signIns = async () => {
        const taken: number[] = [];
        for (let i = 0; i < 40; i++) taken.push(await timeOf(settings(i)));
        return taken.sort((a, b) => a - b);
      };
      const besideOthers = async () => {
        const others = fork(join(import.meta.dirname, 'halfOpen.mjs'), [String(gateway.proxyPort)]);
        const [held] = await once(others, 'message');
        expect(held).toBe(2_000);
        // The first waits in the line that the 2,000 made; what is measured is those who come while they are there.
        const behindBurst = await timeOf(settings(0));
        const crowded = await signIns();
        others.disconnect();
        await once(others, 'exit');
        return { crowded, behindBurst };
      };
      const middle = (sorted: number[]) => sorted[Math.floor(sorted.length / 2)] ?? Number.POSITIVE_INFINITY;
      const worst = (sorted: number[]) => sorted.at(-1) ?? Number.POSITIVE_INFINITY;
      const figures = (sorted: number[]) => `median ${middle(sorted).toFixed(1)} ms, worst ${worst(sorted).toFixed(1)} ms`;
      // 50 ms is for a machine where a sign-in alone takes 15 to 17 and hardly ever 40. On a slower one those alone say what is slow: they take
      // part in every round, since what else runs on a shared machine changes. One of forty may be unlucky.
      let late = Number.POSITIVE_INFINITY;
      let slower = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 3 && (late > 1 || slower > 1.5); round++) {
        const alone = await signIns();
        const { crowded, behindBurst } = await besideOthers();
        const limitMs = Math.max(50, 1.25 * (alone.at(-2) ?? 0));
        late = crowded.filter((ms) => ms >= limitMs).length;
        slower = middle(crowded) / middle(alone);
        console.log(
          `sign-ins alone: ${figures(alone)}; beside 2,000 half-open sockets: ${figures(crowded)} (target: each under ${limitMs.toFixed(0)} ms); right behind them: ${behindBurst.toFixed(1)} ms`,
        );
      }
      expect(late).toBeLessThanOrEqual(1);
      expect(slower).toBeLessThanOrEqual(1.5);
    }, 90_000);

    test('no attempt left a stack trace', () => {
      expect(logged('sign-in error')).toEqual([]);
      expect(readFileSync(gateway.logFile, 'utf8')).not.toMatch(/\n\s+at /);
    });
  });
});
