import { afterAll, describe, expect, test } from 'vitest';
import { apiAsAdmin } from './api';
import { eventually, failure, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';
import { tenRows } from './tenRows';
import { bind, execute, parse, simpleQuery, statusOf, sync, WireClient } from './wireClient';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
const rows = tenRows('sent_again');
const ERROR = { ...proxySettings(gateway), options: '-c gatehouse.on_hold=error' };
const clients: Awaited<ReturnType<typeof open>>[] = [];
const agent = async (settings: Parameters<typeof open>[0] = ERROR) => {
  const client = await open(settings);
  clients.push(client);
  return client;
};
afterAll(async () => {
  await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
  // Nobody comes for these any more, and they would be in the way of who looks at the queue.
  for (const { id, sql } of (await admin.approvals.list.query({ status: 'open', limit: 200 })).items)
    if (sql.includes('sent_again')) await admin.approvals.reject.mutate({ id, reason: 'end of test' });
});

const idIn = (message: string) => /req_[a-z0-9]+/.exec(message)?.[0] ?? expect.fail(`no request in: ${message}`);
const statusOfRequest = async (id: string) => (await admin.approvals.get.query({ id })).status;

describe('on_hold=error', () => {
  test('a held statement fails at once with 57000, the same one is told the same request, and runs once after its approval', async () => {
    const client = await agent();
    const text = 'DELETE FROM sent_again WHERE id = 1';
    const error = await failure(client.query(text));
    expect(error).toMatchObject({ code: '57000', severity: 'ERROR' });
    expect(error.message).toMatch(/^statement requires approval \(req_\w+\)$/);
    expect(error.detail).toContain('Nothing was executed.');
    const id = idIn(error.message);
    expect(error.hint).toMatch(new RegExp(`^Run the same statement again after approval: http.*${id}$`));
    expect((await client.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);

    expect(idIn((await failure((await agent()).query(text))).message)).toBe(id);
    await admin.approvals.approve.mutate({ id });
    expect(await rows.count()).toBe(10);
    // On another session of the same principal: the statement is what was approved, not the connection.
    expect((await (await agent()).query(text)).rowCount).toBe(1);
    expect(await statusOfRequest(id)).toBe('executed');
    expect(idIn((await failure(client.query(text))).message)).not.toBe(id);
  });

  test('a rejection is told once, with its reason; sent again it is a new request', async () => {
    const client = await agent();
    const text = 'DELETE FROM sent_again WHERE id = 2';
    const id = idIn((await failure(client.query(text))).message);
    await admin.approvals.reject.mutate({ id, reason: 'Not during the sale.' });
    const error = await failure(client.query(text));
    expect(error).toMatchObject({ code: '42501', message: `statement rejected by reviewer (${id})` });
    expect(error.detail).toContain('Not during the sale.');
    const again = await failure(client.query(text));
    expect(again.code).toBe('57000');
    expect(idIn(again.message)).not.toBe(id);
  });

  test.each<[what: string, first: (client: pgClient) => Promise<unknown>, second: (client: pgClient) => Promise<unknown>]>([
    [
      'a blank more',
      (client) => client.query('DELETE FROM sent_again WHERE id = 3'),
      (client) => client.query('DELETE FROM sent_again WHERE id =  3'),
    ],
    [
      'another parameter',
      (client) => client.query('DELETE FROM sent_again WHERE id = $1', [3]),
      (client) => client.query('DELETE FROM sent_again WHERE id = $1', [4]),
    ],
    [
      'another search_path',
      (client) => client.query('DELETE FROM sent_again WHERE id = 5'),
      async (client) => {
        await client.query('SET search_path = shop, public');
        return client.query('DELETE FROM sent_again WHERE id = 5');
      },
    ],
    [
      'what a parameter is cut to where it is shown',
      (client) => client.query('DELETE FROM sent_again WHERE id = 3 AND note = $1', [`${'x'.repeat(5_000)}a`]),
      (client) => client.query('DELETE FROM sent_again WHERE id = 3 AND note = $1', [`${'x'.repeat(5_000)}b`]),
    ],
  ])('%s is another request', async (_, first, second) => {
    const client = await agent();
    const id = idIn((await failure(first(client))).message);
    await admin.approvals.approve.mutate({ id });
    const other = await failure(second(client));
    expect(other.code).toBe('57000');
    expect(idIn(other.message)).not.toBe(id);
    expect(await rows.count()).toBe(10);
    expect(await statusOfRequest(id)).toBe('approved');
  });

  test('the same search_path, set by each session, is the same statement', async () => {
    const text = 'DELETE FROM sent_again WHERE id = 6';
    const first = await agent();
    await first.query('SET search_path = public');
    const id = idIn((await failure(first.query(text))).message);
    await admin.approvals.approve.mutate({ id });
    const second = await agent({ ...ERROR, options: `${ERROR.options} -c search_path=public` });
    expect((await second.query(text)).rowCount).toBe(1);
  });

  test('inside a transaction the error is the transaction’s; sent again in the next one it runs', async () => {
    const client = await agent();
    await client.query('BEGIN');
    const id = idIn((await failure(client.query('DELETE FROM sent_again WHERE id = 7'))).message);
    expect((await failure(client.query('SELECT 1'))).code).toBe('25P02');
    await client.query('ROLLBACK');
    await admin.approvals.approve.mutate({ id });
    await client.query('BEGIN');
    expect((await client.query('DELETE FROM sent_again WHERE id = 7')).rowCount).toBe(1);
    await client.query('ROLLBACK');
    // It ran. That its transaction was taken back is the client's own affair.
    expect(await statusOfRequest(id)).toBe('executed');
    expect((await failure(client.query('DELETE FROM sent_again WHERE id = 7'))).code).toBe('57000');
  });

  test('in a pipeline what follows up to Sync is skipped, and the session goes on', async () => {
    const wire = await WireClient.signIn(ERROR);
    wire.send(parse('DELETE FROM sent_again WHERE id = 8'), bind(), execute(), parse('SELECT 1'), bind(), execute(), sync());
    const messages = await wire.until('Z');
    expect(messages.map((message) => message.type).join('')).toBe('1EZ');
    expect(statusOf(messages)).toBe('I');
    wire.send(simpleQuery('SELECT 1'));
    expect((await wire.until('Z')).map((message) => message.type).join('')).toBe('TDCZ');
    wire.close();
  });

  test('with search_path changed the server is asked, and the client sees one error and one ReadyForQuery', async () => {
    const wire = await WireClient.signIn(ERROR);
    wire.send(simpleQuery('SET search_path = shop, public'));
    await wire.until('Z');
    wire.send(simpleQuery('DELETE FROM sent_again WHERE id = 9'));
    const messages = await wire.until('Z');
    expect(messages.map((message) => message.type).join('')).toBe('EZ');
    expect(statusOf(messages)).toBe('I');
    wire.send(simpleQuery('SELECT 1'));
    expect((await wire.until('Z')).map((message) => message.type).join('')).toBe('TDCZ');
    wire.close();
  });

  test('a hundred racing retries over many sessions run it once', async () => {
    const text = "UPDATE sent_again SET note = note || '!' WHERE id = 10; DELETE FROM sent_again WHERE id = 11";
    const racers = await Promise.all(Array.from({ length: 20 }, () => agent()));
    const id = idIn((await failure((await agent()).query(text))).message);
    await admin.approvals.approve.mutate({ id });
    const outcomes = await Promise.all(
      racers.flatMap((racer) =>
        Array.from({ length: 5 }, () =>
          racer.query(text).then(
            () => 'ran',
            (error: Error) => idIn(error.message),
          ),
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'ran')).toHaveLength(1);
    expect(outcomes).not.toContain(id);
    expect(new Set(outcomes).size).toBe(2);
    expect((await rows.direct.query('SELECT note FROM sent_again WHERE id = 10')).rows).toEqual([{ note: 'row 10!' }]);
  }, 60_000);

  test('who waits after all takes up what was filed', async () => {
    const text = 'DELETE FROM sent_again WHERE id = 9';
    const id = idIn((await failure((await agent()).query(text))).message);
    const waits = rows.client.query(text);
    await eventually('the NOTICE', async () => rows.client.notices.find((notice) => notice.message.includes(id)));
    await admin.approvals.approve.mutate({ id });
    expect((await waits).rowCount).toBe(1);
    expect(await statusOfRequest(id)).toBe('executed');
  });

  test('another word for it is refused when the session begins', async () => {
    const error = await failure(open({ ...ERROR, options: '-c gatehouse.on_hold=maybe' }));
    expect(error).toMatchObject({ code: '0A000', hint: 'Use gatehouse.on_hold=wait or gatehouse.on_hold=error.' });
  });
});

type pgClient = Awaited<ReturnType<typeof open>>;
