import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import { invalidBytes } from './utf8';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('invalid UTF-8', () => {
  it.each([
    ['', null],
    ['41 c3a9 e282ac f09f9880', null],
    ['ff', '0xff'],
    ['41 ff 42', '0xff'],
    ['c0 80', '0xc0 0x80'],
    ['ed a0 80', '0xed 0xa0 0x80'],
    ['c3', '0xc3'],
    ['c3 27', '0xc3 0x27'],
    ['f4 90 80 80 27', '0xf4 0x90 0x80 0x80'],
    ['e2 28 a1 27', '0xe2 0x28 0xa1'],
    ['f0 80 80 80', '0xf0 0x80 0x80 0x80'],
    ['f8 88 80 80 80', '0xf8'],
    ['80', '0x80'],
    ['41 00', '0x00'],
    ['f0 9f', '0xf0 0x9f'],
    ['c3a9 e0 9f 80', '0xe0 0x9f 0x80'],
  ])('%s', (bytes, expected) => expect(invalidBytes(hex(bytes))).toBe(expected));
});

describe('the words of a real server', () => {
  let database: TestDatabase;
  let client: pg.Client;
  beforeAll(async () => {
    database = await withPostgres();
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
  }, 60_000);
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  /** Every first byte before one, two and three bytes that may or may not belong to it. */
  it('are the same for every first byte', async () => {
    const tails = ['', '41', '80', 'bf', '9f80', 'a080', '8f8080', '908080', 'bfbfbf', '80', '8041'];
    const cases = Array.from({ length: 255 }, (_, i) => i + 1).flatMap((first) => tails.map((tail) => Buffer.from([first, ...hex(tail)])));
    const words = async (bytes: Buffer) => {
      const asked = client.query('select convert_from($1, $2)', [bytes, 'UTF8']);
      return asked.then(
        () => null,
        (error: Error) => error.message.replace('invalid byte sequence for encoding "UTF8": ', ''),
      );
    };
    for (const bytes of cases) expect(invalidBytes(bytes), bytes.toString('hex')).toBe(await words(bytes));
  }, 60_000);
});
