import { expect, test } from 'vitest';
import { ConfigError, readConfig } from './config';

const key = Buffer.alloc(32, 7).toString('base64');

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('an empty environment starts everything on loopback, with the demo', () => {
  expect(readConfig({})).toEqual({
    port: 3000,
    host: '127.0.0.1',
    proxyPort: 6432,
    proxyHost: '127.0.0.1',
    workers: 2,
    dataDir: './.gatehouse',
    node: null,
    databaseUrl: null,
    secretKey: null,
    consoleUrl: null,
    trustedProxies: expect.anything(),
    proxyTls: null,
    proxySignIn: 'auto',
    proxySignInTimeoutMs: 30_000,
    proxyMaxUnauthenticated: 500,
    allowPlaintext: false,
    slackApiUrl: 'https://slack.com/api/',
    demo: true,
  });
});

test('an own PostgreSQL needs the key that every gateway shares, and has no demo', () => {
  const url = 'postgres://me:secret@db.internal/gatehouse';
  expect(problemsOf({ DATABASE_URL: url })).toEqual([expect.stringContaining('GATEHOUSE_SECRET_KEY must be too')]);
  expect(problemsOf({ DATABASE_URL: url, GATEHOUSE_SECRET_KEY: key, GATEHOUSE_DEMO: 'on' })).toEqual([
    expect.stringContaining('GATEHOUSE_DEMO=on needs the embedded PostgreSQL'),
  ]);
  expect(readConfig({ DATABASE_URL: url, GATEHOUSE_SECRET_KEY: key })).toMatchObject({ databaseUrl: url, demo: false });
});

test.each([
  [{ GATEHOUSE_DATADIR: '/x' }, 'GATEHOUSE_DATADIR is not a setting'],
  [{ PORT: '3000x' }, 'PORT must be a port number'],
  [{ PORT: '70000' }, 'PORT must be at most 65535'],
  [{ PORT: '6432' }, 'PORT and PROXY_PORT are the same'],
  [{ PROXY_WORKERS: '0' }, 'PROXY_WORKERS must be a number from 1 to 64'],
  [{ GATEHOUSE_SECRET_KEY: 'c2hvcnQ=' }, 'GATEHOUSE_SECRET_KEY must be 32 bytes in base64'],
  [{ CONSOLE_URL: 'gatehouse.example.com' }, 'CONSOLE_URL must be an http or https address'],
  [{ CONSOLE_URL: 'https://example.com/gatehouse' }, 'CONSOLE_URL must have no path'],
  [{ DATABASE_URL: 'mysql://x/y', GATEHOUSE_SECRET_KEY: key }, 'DATABASE_URL must look like'],
  [{ GATEHOUSE_SECRETS_HOSTS: 'shop = db' }, 'GATEHOUSE_SECRETS_HOSTS “shop = db” is no entry'],
  [{ GATEHOUSE_SECRETS_HOSTS: 'env:A = db', GATEHOUSE_SECRETS_HOSTS_FILE: '/x' }, 'say the same thing'],
  [{ PROXY_TLS_CERT: '/x.crt' }, 'PROXY_TLS_CERT and PROXY_TLS_KEY belong together'],
  [{ PROXY_SIGN_IN: 'trust' }, 'PROXY_SIGN_IN must be auto, scram or password'],
  [{ PROXY_SIGN_IN_TIMEOUT: '30' }, 'PROXY_SIGN_IN_TIMEOUT must be a duration from 1s to 10m'],
  [{ PROXY_MAX_UNAUTHENTICATED: '0' }, 'PROXY_MAX_UNAUTHENTICATED must be a number from 1 to 99999'],
  [{ GATEHOUSE_DEMO: 'yes' }, 'GATEHOUSE_DEMO must be on or off'],
])('%j is refused with what to set', (env, message) => {
  expect(problemsOf(env as Record<string, string>).join('\n')).toContain(message);
});

test('no message repeats a value', () => {
  const problems = problemsOf({
    GATEHOUSE_SECRET_KEY: 'hunter2',
    DATABASE_URL: 'postgres:/hunter2',
    GATEHOUSE_TYPO: 'hunter2',
    PORT: 'hunter2',
  });
  expect(problems.length).toBe(4);
  expect(problems.join()).not.toContain('hunter2');
});

test('what the command line and the tests read is not ours to refuse, and empty counts as unset', () => {
  expect(problemsOf({ GATEHOUSE_URL: 'http://x', GATEHOUSE_TOKEN: 'gh_at_x', GATEHOUSE_TEST_POSTGRES: 'x' })).toEqual([]);
  expect(readConfig({ PORT: '', CONSOLE_URL: 'https://gatehouse.example.com/' })).toMatchObject({
    port: 3000,
    consoleUrl: 'https://gatehouse.example.com',
  });
});
