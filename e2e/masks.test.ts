import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MaskSpec } from '../db/schema/shapes';
import { apiAsAdmin } from './api';
import { directSettings, failure, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';
import { bind, describePortal, execute, type Message, parse, sync, WireClient } from './wireClient';

/** One column of each kind, its value, its mask, and what the client then reads; pseudonyms by their form. */
const COLUMNS: readonly [name: string, type: string, value: string, mask: MaskSpec, reads: string | RegExp | null][] = [
  ['card', 'varchar(20)', `'4111-1111-1111-1234'`, { type: 'partial', keepLast: 4 }, '****-****-****-1234'],
  ['mail', 'citext', `'Ana@Example.com'`, { type: 'email' }, 'A***@Example.com'],
  ['tax', 'tax_number', `'DE 811'`, { type: 'hash' }, /^h_[0-9a-f]{24}$/],
  ['born', 'date', `'1984-05-17'`, { type: 'date', truncate: 'year' }, '1984-01-01'],
  ['seen', 'timestamptz', `'2026-05-17 10:11:12.5+00'`, { type: 'date', truncate: 'month' }, '2026-05-01 00:00:00+00'],
  ['paid', 'numeric(12,2)', '-48213.55', { type: 'number', round: 1000 }, '-48000'],
  ['age', 'int2', '47', { type: 'number', bucket: 10 }, '40'],
  ['staff', 'int4', '4711', { type: 'hash' }, /^-?\d+$/],
  ['token', 'uuid', `'6f9619ff-8b86-d011-b42d-00cf4fc964ff'`, { type: 'hash' }, /^[0-9a-f-]{14}-?8[0-9a-f]{3}-[89ab][0-9a-f]{3}-/],
  ['raw', 'bytea', `'\\xff00c3'`, { type: 'hash' }, /^\\x[0-9a-f]{32}$/],
  ['doc', 'jsonb', `'{"ssn": "123-45-6789"}'`, { type: 'redact' }, '"***"'],
  ['tags', 'text[]', `'{4711,NULL,"a \\"b"}'`, { type: 'partial', keepLast: 1 }, '{***1,NULL,"* *b"}'],
  ['mood', 'masks_mood', `'sad'`, { type: 'constant', value: 'happy' }, 'happy'],
  ['stay', 'daterange', `'[2026-05-17,2027-06-18)'`, { type: 'date', truncate: 'year' }, '[2026-01-01,2027-01-01)'],
  ['place', 'point', `'(52.5,13.4)'`, { type: 'redact' }, null],
  ['address', 'masks_address', `'("Main Street",7)'`, { type: 'redact' }, null],
  ['host', 'inet', `'192.168.7.8'`, { type: 'null' }, null],
];

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
const ids: string[] = [];
let direct: Awaited<ReturnType<typeof open>>;

beforeAll(async () => {
  direct = await open(directSettings(gateway));
  await direct.query('create extension if not exists citext');
  await direct.query('create domain tax_number as text');
  await direct.query(`create type masks_mood as enum ('sad', 'happy')`);
  await direct.query('create type masks_address as (street text, number int4)');
  await direct.query(`create table masks_table (id int4, ${COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ')})`);
  await direct.query(`insert into masks_table values (1, ${COLUMNS.map(([, , value]) => value).join(', ')})`);
  await direct.query('insert into masks_table (id) values (2)');
  await direct.query('grant select on masks_table to public');
  for (const [name, , , mask] of COLUMNS) {
    const rule = { name: `masks-${name}`, connections: ['shop'], columns: [`public.masks_table.${name}`], mask };
    const { id, warnings } = await admin.masking.save.mutate(rule);
    ids.push(id);
    expect(warnings).toEqual([]);
  }
});
afterAll(async () => {
  for (const id of ids) await admin.masking.remove.mutate({ id });
  await direct.query('drop table masks_table');
  await direct.query('drop type masks_mood, masks_address');
  await direct.query('drop domain tax_number');
  await direct.query('drop extension citext');
  await direct.end();
});

const NAMES = COLUMNS.map(([name]) => name).join(', ');

/** The rows as the wire carries them. */
async function rowsIn(format: 0 | 1): Promise<(Buffer | null)[][]> {
  const wire = await WireClient.signIn(proxySettings(gateway));
  wire.send(parse(`select ${NAMES} from masks_table order by id`), bind('', '', format), describePortal(), execute(), sync());
  const rows = (await wire.until('Z')).filter((message) => message.type === 'D').map(bytesOf);
  wire.close();
  return rows;
}

function bytesOf({ body }: Message): (Buffer | null)[] {
  let at = 2;
  return Array.from({ length: body.readUInt16BE(0) }, () => {
    const length = body.readInt32BE(at);
    at += 4 + Math.max(length, 0);
    return length < 0 ? null : body.subarray(at - length, at);
  });
}

describe('masks keep the type through the gateway', () => {
  test('in text and in binary, and NULL stays NULL', async () => {
    const [text, binary] = [await rowsIn(0), await rowsIn(1)];
    for (const rows of [text, binary]) {
      expect(rows).toHaveLength(2);
      expect(rows[1]).toEqual(COLUMNS.map(() => null));
    }
    for (const [i, [name, type, , , reads]] of COLUMNS.entries()) {
      const cells = { text: text[0]?.[i] ?? null, binary: binary[0]?.[i] ?? null };
      if (reads === null) {
        expect(cells, name).toEqual({ text: null, binary: null });
        continue;
      }
      const shown = cells.text?.toString() ?? '';
      if (typeof reads === 'string') expect(shown, name).toBe(reads);
      else expect(shown, name).toMatch(reads);
      // The server itself reads both as the same value; a Buffer goes as a binary parameter.
      const cast = type.replace(/\(.*/, '');
      const same = await direct.query(`select $1::${cast} = $2::${cast} as same`, [shown, cells.binary]);
      expect(same.rows[0].same, name).toBe(true);
    }
  });

  test('nothing of a hidden value is in any message of either format', async () => {
    for (const format of [0, 1] as const) {
      const bytes = Buffer.concat((await rowsIn(format)).flat().map((cell) => cell ?? Buffer.alloc(0)));
      for (const secret of ['-1111-', 'na@', 'DE 8', '123-45', 'Main Street']) expect(bytes.includes(secret), secret).toBe(false);
    }
  });

  test('one that does not fit is refused, with what would', async () => {
    const rule = { name: 'masks-unfit', connections: ['shop'], columns: ['public.masks_table.token'], mask: { type: 'email' as const } };
    const refusal = await failure(admin.masking.save.mutate(rule));
    expect(refusal.message).toContain(
      'column public.masks_table.token of connection shop: email does not fit uuid: use redact, hash, constant or null',
    );
  });

  test('1,664 columns in one row', async () => {
    const client = await open(proxySettings(gateway));
    const list = Array.from({ length: 1_664 }, (_, i) => (i % 2 === 0 ? 'card' : 'id')).join(', ');
    const { rows } = await client.query({ text: `select ${list} from masks_table where id = 1`, rowMode: 'array' });
    expect(rows[0]).toEqual(Array.from({ length: 1_664 }, (_, i) => (i % 2 === 0 ? '****-****-****-1234' : 1)));
    await client.end();
  });
});
