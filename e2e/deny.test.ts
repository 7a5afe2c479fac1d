import { describe, expect, test } from 'vitest';
import { failure } from './clients';
import { tenRows } from './tenRows';
import { bind, describePortal, execute, fieldsOf, parse, simpleQuery, statusOf, sync } from './wireClient';

const rows = tenRows('denied_rows');

describe('deny', () => {
  test('DROP is 42501, names the rule and the statement, executes nothing, and the session lives', async () => {
    const error = await failure(rows.client.query('DROP TABLE denied_rows'));
    expect(error).toMatchObject({ code: '42501', severity: 'ERROR', routine: expect.stringContaining('gatehouse') });
    expect(error.message).toMatch(/^statement denied by rule ".+" \(stm_\w+\)$/);
    expect(error.detail).toContain('Nothing was executed.');
    expect(await rows.count()).toBe(10);
    expect((await rows.client.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);
  });

  test.each([
    'drop table DENIED_ROWS',
    '/* x */ DROP /* y */ TABLE IF EXISTS denied_rows CASCADE',
    'TRUNCATE denied_rows',
    'DROP SCHEMA public CASCADE',
    'DROP VIEW order_totals',
    'GRANT ALL ON denied_rows TO PUBLIC',
    "COPY denied_rows TO PROGRAM 'cat'",
    'ALTER ROLE shop_app SUPERUSER',
    'SELECT 1; DROP TABLE denied_rows',
    'EXPLAIN ANALYZE DROP TABLE denied_rows',
  ])('%s does not run', async (sql) => {
    expect((await failure(rows.client.query(sql))).code).toMatch(/^(?:42501|42601)$/);
    expect(await rows.count()).toBe(10);
    expect((await rows.client.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);
  });

  test('the statement before a denied one in the same text does not run either', async () => {
    expect((await failure(rows.client.query('INSERT INTO denied_rows VALUES (11); DROP TABLE denied_rows'))).code).toBe('42501');
    expect(await rows.count()).toBe(10);
  });

  test('SQL PREPARE cannot carry it in, nor can EXECUTE', async () => {
    expect((await failure(rows.client.query('PREPARE p AS DROP TABLE denied_rows'))).code).toMatch(/^42/);
    expect((await failure(rows.client.query('EXECUTE p'))).code).toBe('26000');
    expect(await rows.count()).toBe(10);
  });

  test('in a transaction it fails the transaction, as an error of PostgreSQL would, until ROLLBACK', async () => {
    rows.wire.send(simpleQuery('BEGIN'));
    expect(statusOf(await rows.wire.until('Z'))).toBe('T');
    rows.wire.send(simpleQuery('INSERT INTO denied_rows VALUES (20)'));
    expect(statusOf(await rows.wire.until('Z'))).toBe('T');
    rows.wire.send(simpleQuery('DROP TABLE denied_rows'));
    expect(statusOf(await rows.wire.until('Z'))).toBe('E');
    rows.wire.send(simpleQuery('SELECT 1'));
    const refused = await rows.wire.until('Z');
    expect(refused.map((message) => message.type).join('')).toBe('EZ');
    expect(refused[0] && fieldsOf(refused[0])).toMatchObject({ C: '25P02' });
    rows.wire.send(simpleQuery('COMMIT'));
    const commit = await rows.wire.until('Z');
    expect(commit.find((message) => message.type === 'C')?.body.toString()).toBe('ROLLBACK\0');
    expect(statusOf(commit)).toBe('I');
    expect(await rows.count()).toBe(10);
    rows.wire.send(simpleQuery('SELECT 1'));
    expect(statusOf(await rows.wire.until('Z'))).toBe('I');
  });

  test('a savepoint brings the transaction back after a denial', async () => {
    await rows.client.query('BEGIN');
    await rows.client.query('INSERT INTO denied_rows VALUES (21)');
    await rows.client.query('SAVEPOINT s');
    expect((await failure(rows.client.query('DROP TABLE denied_rows'))).code).toBe('42501');
    await rows.client.query('ROLLBACK TO s');
    await rows.client.query('COMMIT');
    expect(await rows.count()).toBe(11);
  });

  test('trap-23-denied-parse-skips-to-sync: after a denied Parse everything up to Sync is skipped, and the old unnamed statement does not run', async () => {
    rows.wire.send(parse('INSERT INTO denied_rows VALUES (30)'), bind(), execute(), sync());
    await rows.wire.until('Z');
    expect(await rows.count()).toBe(11);
    rows.wire.send(
      parse('DROP TABLE denied_rows'),
      bind(),
      describePortal(),
      execute(),
      simpleQuery('INSERT INTO denied_rows VALUES (31)'),
      sync(),
    );
    const answer = await rows.wire.until('Z');
    expect(answer.map((message) => message.type).join('')).toBe('EZ');
    expect(answer[0] && fieldsOf(answer[0])).toMatchObject({ C: '42501' });
    rows.wire.send(simpleQuery('SELECT 1'));
    expect((await rows.wire.until('Z')).map((message) => message.type).join('')).toBe('TDCZ');
    expect(await rows.count()).toBe(11);
  });

  test('trap-26-denied-third: a denied third of a pipeline leaves the first two answered, and undone', async () => {
    rows.wire.send(
      parse('INSERT INTO denied_rows VALUES (40)'),
      bind(),
      execute(),
      parse('SELECT 1 AS one'),
      bind(),
      describePortal(),
      execute(),
      parse('DROP TABLE denied_rows'),
      bind(),
      execute(),
      parse('INSERT INTO denied_rows VALUES (41)'),
      bind(),
      execute(),
      sync(),
    );
    const answer = await rows.wire.until('Z');
    const types = answer.map((message) => message.type).join('');
    expect(types).toBe('12C12TDCEZ');
    expect(statusOf(answer)).toBe('I');
    expect(await rows.count()).toBe(10);
    rows.wire.send(parse('SELECT 5 AS five'), bind(), describePortal(), execute(), sync());
    expect((await rows.wire.until('Z')).map((message) => message.type).join('')).toBe('12TDCZ');
  });
});
