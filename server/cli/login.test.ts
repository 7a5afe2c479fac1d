import { afterAll, beforeAll, expect, test } from 'vitest';
import { decideDevice } from '../token/decide';
import { type CliGateway, withCli } from './testing';

let gateway: CliGateway;
/** Nobody is signed in on this machine. */
const NO_TOKEN = { GATEHOUSE_DATA_DIR: '/nowhere' };
beforeAll(async () => {
  gateway = await withCli();
});
afterAll(() => gateway.close());

test('login at an address opens its page by the program that is named, and logout there ends it', async () => {
  const call = await gateway.db.as('member', { name: 'mia' });
  const url = await gateway.open();
  let decided: Promise<unknown> | undefined;
  const login = await gateway.run(['login', '--url', `${url}/`, '--browser', 'firefox'], NO_TOKEN, (text) => {
    const [, userCode] = /confirm the code ([A-Z-]+)/.exec(text) ?? [];
    if (userCode !== undefined) decided = decideDevice(call, { userCode, approve: true });
  });
  expect(await decided).toEqual({ approved: true });
  expect(login).toMatchObject({
    code: 0,
    out: expect.stringContaining(`signed in as mia for 12 hours; next: GATEHOUSE_URL=${url} gatehouse psql`),
  });
  const [, address] = /Open (\S+)/.exec(login.err) ?? [];
  expect(gateway.opened.splice(0)).toEqual([['firefox', [address]]]);
  expect(new URL(address ?? '').pathname).toBe('/device');
  expect((await gateway.run(['report'], { GATEHOUSE_URL: url, GATEHOUSE_DATA_DIR: '/nowhere' })).code).toBe(0);
  expect((await gateway.run(['logout'])).out).toContain('not signed in');
  expect((await gateway.run(['logout', '--url', url])).out).toBe(`signed out at ${url}\n`);
});

test.each([
  ['without a terminal', []],
  ['asked not to', ['--browser', 'none']],
])('no page is opened %s', async (_name, options) => {
  const call = await gateway.db.as('member');
  await gateway.run(['login', ...options], NO_TOKEN, (text) => {
    const [, userCode] = /confirm the code ([A-Z-]+)/.exec(text) ?? [];
    if (userCode !== undefined) void decideDevice(call, { userCode, approve: false });
  });
  expect(gateway.opened).toEqual([]);
});

test.each(['gatehouse.example.com', 'ftp://gatehouse.example.com', 'file:///etc'])('%s is no address to sign in at', async (url) => {
  expect(await gateway.run(['login', '--url', url])).toMatchObject({
    code: 2,
    err: expect.stringContaining('--url is the console’s address'),
  });
});
