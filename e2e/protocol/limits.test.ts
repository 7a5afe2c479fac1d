import { describe, expect, test } from 'vitest';
import { bind, cstring, execute, fieldsOf, frame, int32, type Message, parse, simpleQuery, sync } from '../wireClient';
import { LIMITED, peers } from './peers';

const p = peers();

const errors = (messages: readonly Message[]) =>
  messages.filter(({ type }) => type === 'E').map((message) => `${fieldsOf(message).S} ${fieldsOf(message).C} ${fieldsOf(message).M}`);
const types = (messages: readonly Message[]) => messages.map(({ type }) => type).join('');

/** A Bind of the unnamed statement with one text parameter. */
const bindText = (value: string) =>
  frame('B', cstring(''), cstring(''), Buffer.from([0, 0, 0, 1]), int32(Buffer.byteLength(value)), Buffer.from(value), Buffer.from([0, 0]));

describe('limits of a connection', () => {
  test('a statement above maxStatementBytes is refused, simple or prepared, and the session lives', async () => {
    const client = await p.gateway(LIMITED);
    const large = `SELECT '${'x'.repeat(5_000)}'`;
    client.send(simpleQuery(large));
    expect(errors(await client.until('Z'))).toEqual(['ERROR 54000 statement of 5010 bytes exceeds the limit of 4096 bytes']);
    client.send(parse(large), bind(), execute(), sync());
    expect(errors(await client.until('Z'))).toEqual(['ERROR 54000 statement of 5013 bytes exceeds the limit of 4096 bytes']);
    client.send(simpleQuery('SELECT 1'));
    expect(types(await client.until('Z'))).toBe('TDCZ');
  });

  test('a parameter above maxMessageBytes is refused, and what fits is not', async () => {
    const client = await p.gateway(LIMITED);
    client.send(parse('SELECT length($1::text)'), bindText('y'.repeat(20_000)), execute(), sync());
    expect(errors(await client.until('Z'))).toEqual(['ERROR 54000 message of 20012 bytes exceeds the limit of 16384 bytes']);
    client.send(parse('SELECT length($1::text)'), bindText('y'.repeat(10_000)), execute(), sync());
    expect(types(await client.until('Z'))).toBe('12DCZ');
  });

  test('COPY data above it ends the COPY, and nothing of it stays', async () => {
    const client = await p.gateway(LIMITED);
    client.send(simpleQuery('CREATE TEMP TABLE lines (line text); COPY lines FROM STDIN'));
    await client.until('G');
    client.send(frame('d', Buffer.from('fits\n')), frame('d', Buffer.alloc(20_000, 0x78)), frame('c'));
    expect(errors(await client.until('Z'))).toEqual([
      'ERROR 57014 COPY from stdin failed: message of 20000 bytes exceeds the limit of 16384 bytes',
    ]);
    client.send(simpleQuery('SELECT 1'));
    expect(types(await client.until('Z'))).toBe('TDCZ');
  });

  test('a client that sends nothing inside a transaction is ended by that limit', async () => {
    const client = await p.gateway(LIMITED);
    client.send(simpleQuery('BEGIN'));
    await client.until('Z');
    const startedMs = performance.now();
    expect(errors(await client.until('E'))).toEqual(['FATAL 25P03 terminating connection due to idle-in-transaction timeout']);
    expect(performance.now() - startedMs).toBeGreaterThan(400);
    await client.untilClosed();
  });

  test('one that sends nothing at all by the other, but not while its statement runs', async () => {
    const client = await p.gateway(LIMITED);
    client.send(simpleQuery('SELECT pg_sleep(2.5)'));
    expect(errors(await client.until('Z'))).toEqual([]);
    expect(errors(await client.until('E'))).toEqual(['FATAL 57P05 terminating connection due to idle-session timeout']);
    await client.untilClosed();
  });
});
