import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliGateway, withCli } from './testing';

let gateway: CliGateway;
beforeAll(async () => {
  gateway = await withCli();
});
afterAll(() => gateway.close());

describe('tokens', () => {
  test('prints the token alone, and it works', async () => {
    const { code, out } = await gateway.run(['token', 'create', '--principal', 'root', '--ttl', '1h']);
    expect(code).toBe(0);
    expect(out).toMatch(/^gh_at_[A-Za-z0-9_-]{27}\n$/);
    expect((await gateway.run(['sessions', 'list'], { GATEHOUSE_TOKEN: out.trim(), GATEHOUSE_DATA_DIR: '/nowhere' })).code).toBe(0);
  });

  test('as JSON', async () => {
    const { out } = await gateway.run(['token', 'create', '--principal', 'bot', '--json']);
    expect(JSON.parse(out)).toMatchObject({ id: expect.stringMatching(/^tok_/), secret: expect.stringMatching(/^gh_at_/) });
  });
});

describe('API keys and scope', () => {
  test('an API key is listed, rotated and revoked', async () => {
    const { out } = await gateway.run(['token', 'create', '--principal', 'bot', '--api-key', '--ttl', 'never', '--label', 'nightly']);
    expect(out).toMatch(/^gh_ak_[A-Za-z0-9_-]{27}\n$/);
    expect((await gateway.run(['token', 'create', '--principal', 'bot', '--ttl', 'never'])).code).toBe(2);
    const listed = (await gateway.run(['token', 'list', '--principal', 'bot'])).out;
    const line = listed.split('\n').find((each) => each.includes('nightly')) ?? '';
    const [id = ''] = line.split(' ');
    const rotated = await gateway.run(['token', 'rotate', id, '--overlap', '5m', '--json']);
    const made = JSON.parse(rotated.out) as { id: string; secret: string };
    expect(made.secret).toMatch(/^gh_ak_/);
    expect((await gateway.run(['token', 'list', '--principal', 'bot'])).out).toMatch(new RegExp(`^${id} .* ${made.id}$`, 'm'));
    expect(await gateway.run(['token', 'revoke', id])).toMatchObject({ code: 0, out: `revoked ${id}\n` });
    expect(listed).not.toContain(out.trim());
  });

  test('a token for a connection opens that one and no command of the API', async () => {
    const { out } = await gateway.run(['token', 'create', '--principal', 'root', '--connections', 'crm']);
    const env = { GATEHOUSE_TOKEN: out.trim() };
    expect((await gateway.run(['psql', 'crm'], env)).code).toBe(7);
    expect(gateway.ran.pop()?.[2]).toMatchObject({ PGUSER: 'root', PGPASSWORD: out.trim() });
    expect(await gateway.run(['sessions', 'list'], env)).toMatchObject({
      code: 1,
      err: expect.stringContaining('for sessions on some connections'),
    });
    expect((await gateway.run(['token', 'create', '--principal', 'bot', '--connections', 'cmr'])).err).toContain('unknown connection cmr');
  });
});
