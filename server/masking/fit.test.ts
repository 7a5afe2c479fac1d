import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import type { Call } from '../identity/actor';
import { applyDocument } from '../policy/apply';
import { type TestStore, withStore } from '../testing';
import { listMasking } from './list';
import { saveMasking } from './save';

const PASSWORD = 'fit-canary-5512';
let db: TestStore;
let upstream: TestDatabase;
let admin: Call;
let role: string;

beforeAll(async () => {
  db = await withStore();
  admin = await db.as('admin', { name: 'root' });
  upstream = await withPostgres();
  role = `fit_${process.pid}`;
  const client = new pg.Client({ connectionString: upstream.url });
  await client.connect();
  await client.query(`create role ${role} login password '${PASSWORD}'`);
  await client.query(`create type mood as enum ('sad', 'happy')`);
  await client.query('create domain cents as int8');
  await client.query('create table people (id int4 primary key, name text, born date, token uuid, mood mood, paid cents, tags text[])');
  await client.end();
  await applyDocument(admin, { yaml: document(''), env: { PASSWORD } });
});
afterAll(async () => {
  const client = new pg.Client({ connectionString: upstream.url });
  await client.connect();
  await client.query(`drop role ${role}`);
  await client.end();
  await upstream.drop();
  await db.close();
});

/** A policy with one connection that can be reached and one that cannot. */
const document = (masking: string, port = upstream.port) => `version: 1
connections:
  - { name: shop, host: ${upstream.host}, port: ${port}, database: ${upstream.database}, username: ${role}, password: "\${PASSWORD}", tls: disable }
  - { name: away, host: 127.0.0.1, port: 1, database: away, username: away, password: "\${PASSWORD}", tls: disable }
principals:
  - { name: root, kind: human, role: admin }
masking: [${masking}]
`;
const apply = (masking: string, dryRun = false) => applyDocument(admin, { yaml: document(masking), env: { PASSWORD }, dryRun });
const rule = (columns: string[], mask: object) => ({ name: 'm', connections: ['shop'], columns, mask });

describe('a mask that does not fit its column’s type', () => {
  test.each([
    [
      'public.people.name',
      { type: 'date', truncate: 'year' },
      'date does not fit text: use redact, partial, hash, email, constant or null',
    ],
    ['people.token', { type: 'number', round: 10 }, 'number does not fit uuid: use redact, hash, constant or null'],
    ['people.id', { type: 'email' }, 'email does not fit int4: use redact, hash, number, constant or null'],
    ['people.id', { type: 'constant', value: 'abc' }, 'the constant "abc" is no int4; take a whole number in its range'],
    ['people.id', { type: 'number', bucket: 0.5 }, 'number by 0.5 hides nothing of int4: take a whole number from 2'],
    ['people.mood', { type: 'constant', value: 'glad' }, 'the constant "glad" is no public.mood; take one of "sad", "happy"'],
    [
      'people.paid',
      { type: 'partial', keepLast: 1 },
      'partial does not fit public.cents (int8): use redact, hash, number, constant or null',
    ],
    ['people.tags', { type: 'number', round: 10 }, 'number does not fit text[]: use redact, partial, hash, email, constant or null'],
  ])('on %s, %j is refused when it is saved', async (column, mask, words) => {
    const name = `public.people.${column.split('.').at(-1)}`;
    await expect(saveMasking(admin, rule([column], mask))).rejects.toMatchObject({
      code: 'INVALID',
      message: `mask: column ${name} of connection shop: ${words}`,
      details: { fields: [{ path: 'mask' }] },
    });
    expect(await listMasking(admin)).toEqual([]);
  });

  test('is refused by apply and by its dry run, with its place in the document', async () => {
    const masking = '{ name: m, connections: ["*"], columns: ["people.*"], mask: { type: email } }';
    for (const dryRun of [true, false]) {
      const refusal = await apply(masking, dryRun).then(String, (error: Error & { details: unknown }) => error);
      expect(refusal).toMatchObject({
        code: 'INVALID',
        message: expect.stringContaining('column public.people.id of connection shop: email does not fit int4'),
        details: { policy: [{ line: 7, path: 'masking[0].mask', message: expect.stringMatching(/; and 2 more columns$/) }] },
      });
      expect(String(refusal)).not.toContain(PASSWORD);
    }
    expect(await listMasking(admin)).toEqual([]);
  });

  test('is saved with a warning where the connection cannot be asked', async () => {
    const masking = '{ name: m, connections: [away], columns: [people.id], mask: { type: email } }';
    expect((await apply(masking)).warnings).toEqual([expect.stringMatching(/^connection away: .*whether m fits .* was not checked/)]);
    expect((await apply(masking)).warnings, 'an unchanged rule is not asked about again').toEqual([]);
    const [saved] = await listMasking(admin);
    const again = await saveMasking(admin, { ...rule(['people.id'], { type: 'email' }), id: saved?.id, connections: ['away'] });
    expect(again.warnings).toEqual([expect.stringContaining('connection away')]);
    await apply('');
  });

  test('is held against a connection that changes', async () => {
    const masking = '{ name: m, connections: [shop], columns: [people.id], mask: { type: email } }';
    const moved = { yaml: document(masking, 1), env: { PASSWORD } };
    expect((await applyDocument(admin, moved)).warnings).toEqual([expect.stringContaining('connection shop')]);
    await expect(apply(masking)).rejects.toThrow('email does not fit int4');
    await apply('');
  });

  test('does not keep back a mask that fits, nor one of a rule that is off', async () => {
    const fits = `{ name: a, connections: [shop], columns: [people.name], mask: { type: partial, keepLast: 2 } }`;
    const off = `{ name: b, connections: [shop], columns: [people.id], mask: { type: email }, mode: "off" }`;
    expect((await apply(`${fits}, ${off}`)).warnings).toEqual([]);
    expect((await listMasking(admin)).map((row) => row.name)).toEqual(['a', 'b']);
    const switchedOn = (await listMasking(admin)).find((row) => row.name === 'b');
    await expect(saveMasking(admin, { ...switchedOn, mode: 'enforce' })).rejects.toThrow('email does not fit int4');
  });
});
