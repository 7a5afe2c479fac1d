import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { recordStatements } from '../audit/testing';
import { tailStatements } from './tail';
import { type CliGateway, withCli } from './testing';

let gateway: CliGateway;
beforeAll(async () => {
  gateway = await withCli();
});
afterAll(() => gateway.close());

describe('audit search', () => {
  test('the record is searched; an unknown word is an error and not a wider search', async () => {
    await recordStatements(gateway.db, [
      {
        principalName: 'bot',
        ownerName: 'ana',
        connectionName: 'crm',
        clientAddress: '127.0.0.1:5',
        kind: 'DELETE',
        sql: 'DELETE FROM crm.orders',
        relations: [{ name: 'crm.orders', access: 'write' }],
        effects: ['delete'],
        verdict: 'hold',
        rows: 3,
        durationMs: 12.5,
      },
    ]);
    const found = async (query: string) =>
      (JSON.parse((await gateway.run(['audit', 'search', query, '--json'])).out) as { items: unknown[] }).items.length;
    expect(await found('who:bot verdict:held table:orders rows:>2 duration:>10ms from')).toBe(1);
    expect(await found('table:crm.orders')).toBe(1);
    for (const none of ['table:rders', 'rows:>3', 'verdict:denied', 'who:ana', 'duration:>1s', 'kind:DROP', '"not there"'])
      expect([none, await found(none)]).toEqual([none, 0]);
    const wrong = await gateway.run(['audit', 'search', 'whom:bot']);
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('unknown word whom:') });
  });
});

describe('audit tail', () => {
  test('shows what is recorded while it runs, without a restart when the stream ends', async () => {
    const id = newId('stm');
    const rows = tailStatements(gateway.env);
    const first = rows.next();
    const record = () => recordStatements(gateway.db, [{ id, sessionId: newId('ses'), connectionName: 'crm' }]);
    // The tail begins when its stream is open, so the statement is recorded after that; a later notification is harmless.
    await new Promise((resolve) => setTimeout(resolve, 500));
    await record();
    expect((await first).value).toMatchObject({ id, sql: 'SELECT 1', at: expect.any(Date) });
    await rows.return();
  });
});
