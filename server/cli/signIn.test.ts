import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redeemSignInLink } from '../auth/link';
import { type CliGateway, withCli } from './testing';

let gateway: CliGateway;
beforeAll(async () => {
  gateway = await withCli();
});
afterAll(() => gateway.close());

describe('sign-in', () => {
  test('prints a link that signs in whoever asks, or somebody else by name, once', async () => {
    const mine = await gateway.run(['sign-in']);
    expect(mine).toMatchObject({ code: 0, out: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/sign-in\?link=gh_ln_[\w-]+\n$/) });
    const secret = new URL(mine.out.trim()).searchParams.get('link') ?? '';
    expect((await redeemSignInLink(gateway.db.store, secret))?.principal.name).toBe('root');
    expect(await redeemSignInLink(gateway.db.store, secret)).toBeNull();
    const hers = JSON.parse((await gateway.run(['sign-in', '--principal', 'ana', '--json'])).out) as { principal: string; address: string };
    expect(hers.principal).toBe('ana');
    expect((await redeemSignInLink(gateway.db.store, new URL(hers.address).searchParams.get('link') ?? ''))?.principal.name).toBe('ana');
    expect(await gateway.run(['sign-in', '--principal', 'bot'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('bot is not a person'),
    });
    expect(await gateway.run(['sign-in', '--principal', 'nobody'])).toMatchObject({ code: 1, err: expect.stringContaining('nobody') });
  });
});
