import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gatewayUrl } from './client';
import { type CliGateway, withCli } from './testing';

let gateway: CliGateway;
beforeAll(async () => {
  gateway = await withCli();
});
afterAll(() => gateway.close());

describe('usage and reach', () => {
  test.each([
    [['nonsense'], 2],
    [['apply'], 2],
    [['token', 'create'], 2],
    [['token', 'create', '--principal', 'root', '--ttl', 'soon'], 2],
    [['apply', '/nowhere.yaml'], 2],
    [['--help'], 0],
    [['check', '--help'], 0],
  ])('%j ends with %i', async (argv, code) => {
    expect((await gateway.run(argv)).code).toBe(code);
  });

  test('no token, a bad token, no gateway: each says what to do', async () => {
    expect((await gateway.run(['sessions', 'list'], { GATEHOUSE_DATA_DIR: '/nowhere' })).err).toContain('set GATEHOUSE_TOKEN');
    expect((await gateway.run(['sessions', 'list'], { GATEHOUSE_TOKEN: 'gh_at_no' })).err).toContain('does not accept this token');
    expect((await gateway.run(['sessions', 'list'], { GATEHOUSE_URL: 'http://127.0.0.1:9' })).err).toContain(
      'start it with npm start, or set GATEHOUSE_URL',
    );
  });

  test('the gateway of this machine is found in its data directory, and GATEHOUSE_URL goes before it', async () => {
    writeFileSync(join(gateway.folder, 'console-url'), `${gateway.env.GATEHOUSE_URL}\n`);
    expect((await gateway.run(['sessions', 'list'], { GATEHOUSE_URL: '' })).code).toBe(0);
    expect((await gateway.run(['sessions', 'list'], { GATEHOUSE_URL: 'http://127.0.0.1:1' })).err).toContain(
      'no gateway answers at http://127.0.0.1:1',
    );
    for (const elsewhere of ['http://192.0.2.1:80', 'http://127.0.0.1:1@192.0.2.1:80', 'http://127.0.0.1.example.com:80'])
      expect(gatewayUrl({ GATEHOUSE_DATA_DIR: dirname(gateway.file('console-url', elsewhere)) })).toBe('http://127.0.0.1:3000');
    rmSync(join(gateway.folder, 'console-url'));
  });

  test('a text with U+0000 is refused by the field it is in', async () => {
    const { code, err } = await gateway.run(['token', 'create', '--principal', 'bo\0t']);
    expect(code).not.toBe(0);
    expect(err).toContain('principal: the character U+0000 is in it');
  });

  test('errors are JSON under --json', async () => {
    const { code, err } = await gateway.run(['approvals', 'show', 'req_none', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(err)).toEqual({ error: { code: 'NOT_FOUND', message: 'request req_none does not exist', policy: [] } });
  });
});
