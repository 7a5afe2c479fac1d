import { beforeAll, describe, expect, test } from 'vitest';
import type { MaskSpec } from '../../db/schema/shapes';
import type { CatalogSnapshot, FunctionInfo, Relation, RelationKind, TypeInfo } from '../catalog/types';
import type { ColumnMask } from '../masking/types';
import { loadParser, parseStatements } from '../sql/parse';
import { maskingViews } from './maskingViews';
import { ownerOf } from './owner';
import { hardeningScript } from './script';
import type { HardeningRequest, RelationRights } from './types';

beforeAll(() => loadParser());

const TEXT = type(25, 'text');
const INT = type(23, 'int4');
const UUID = type(2950, 'uuid');
const DOMAIN = { ...type(20000, 'address', 'public'), type: 'd', baseOid: 25 };

function type(oid: number, name: string, schema = 'pg_catalog'): TypeInfo {
  return {
    ...{
      oid,
      schema,
      name,
      type: 'b',
      baseOid: 0,
      elementOid: 0,
      category: 'S',
      relationOid: 0,
      delimiter: ',',
      boundOid: 0,
      labels: null,
    },
  };
}

function relation(oid: number, schema: string, name: string, columns: [string, TypeInfo][], kind: RelationKind = 'r'): Relation {
  return {
    ...{ oid, schema, name, kind, definition: kind === 'v' ? 'SELECT' : null, parents: [], children: [], foreignKeys: [], triggers: [] },
    ...{ rules: [], loopback: false, keys: [], indexed: [], implicit: [] },
    columns: columns.map(([column, { oid: typeOid }], index) => ({ number: index + 1, name: column, typeOid, generated: null })),
  };
}

function catalogOf(relations: Relation[], functions: FunctionInfo[] = []): CatalogSnapshot {
  const byName = new Map<string, Relation[]>();
  for (const item of relations) byName.set(item.name, [...(byName.get(item.name) ?? []), item]);
  return {
    ...{ version: 1, serverVersion: 180000, fingerprint: 'f', user: { name: 'app', superuser: false, bypassRls: false } },
    ...{ searchPath: ['public'], relations: new Map(relations.map((item) => [item.oid, item])), relationsByName: byName },
    ...{
      functions: new Map(functions.map((item) => [item.name, [item]])),
      operators: [],
      casts: [],
      unreadable: [],
      foldingCollations: false,
      domainChecks: new Map(),
      temporary: new Set<number>(),
      formerNames: new Map(),
    },
    types: new Map([TEXT, INT, UUID, DOMAIN].map((item) => [item.oid, item])),
  };
}

function mask(on: Relation, number: number, spec: MaskSpec = { type: 'redact' }): ColumnMask {
  const column = `${on.schema}.${on.name}.${on.columns[number - 1]?.name}`;
  return { relationOid: on.oid, attributeNumber: number, column, rule: 'pii', mask: spec, inference: 'guarded', computed: false };
}

const all = (on: Relation): RelationRights => {
  const numbers = on.columns.map((column) => column.number);
  return { oid: on.oid, select: numbers, insert: numbers, update: numbers, delete: true, publicSelect: [] };
};

function request(relations: Relation[], masks: ColumnMask[], change: Partial<HardeningRequest> = {}): HardeningRequest {
  const model = {
    ...{ role: 'app', usage: ['public'], publicCreate: [], publicTemporary: false, sequences: [], routines: [] },
    relations: new Map(relations.map((item) => [item.oid, all(item)])),
  };
  return {
    ...{ connection: 'shop', database: 'shop', catalog: catalogOf(relations), masks, model, role: 'least', schema: 'gatehouse_masked' },
    ...{ readOnly: false, revokePublic: false },
    ...change,
  };
}

const people = relation(1, 'public', 'people', [
  ['id', INT],
  ['ssn', TEXT],
  ['key', UUID],
  ['email', DOMAIN],
]);
const places = relation(2, 'public', 'places', [['city', TEXT]]);

const kindsOf = (sql: string) => parseStatements(sql).map((item) => item.node.tag);
const grantsOf = (sql: string) => sql.split('\n').filter((line) => line.startsWith('GRANT'));

describe('what is granted', () => {
  test('columns where some are masked, the table where none is', () => {
    const lines = grantsOf(hardeningScript(request([people, places], [mask(people, 2)])));
    expect(lines).toContain('GRANT SELECT ("id", "key", "email"), INSERT, UPDATE, DELETE ON "public"."people" TO "least";');
    expect(lines).toContain('GRANT SELECT, INSERT, UPDATE, DELETE ON "public"."people" TO "least_masks";');
    expect(lines).toContain('GRANT SELECT, INSERT, UPDATE, DELETE ON "public"."places" TO "least";');
    expect(lines).not.toContainEqual(expect.stringMatching(/"places" TO "least_masks"/));
  });

  test('no more than the model has', () => {
    const wanted = request([people, places], [mask(people, 2)]);
    const rights: RelationRights = { oid: 1, select: [1, 2], insert: [], update: [1], delete: false, publicSelect: [] };
    const lines = grantsOf(hardeningScript({ ...wanted, model: { ...wanted.model, relations: new Map([[1, rights]]) } }));
    expect(lines).toContain('GRANT SELECT ("id"), UPDATE ("id") ON "public"."people" TO "least";');
    expect(lines).not.toContainEqual(expect.stringContaining('places'));
  });

  test('nothing to read where every column is masked, and a materialised view takes no writes', () => {
    const copy = relation(3, 'public', 'copy', [['ssn', TEXT]], 'm');
    const text = hardeningScript(request([copy], [mask(copy, 1)]));
    expect(text).toContain('Every column of it is masked');
    expect(grantsOf(text)).not.toContainEqual(expect.stringContaining('ON "public"."copy" TO "least";'));
  });
});

describe('masking views', () => {
  const query = (spec: MaskSpec, number: number) => maskingViews(catalogOf([people]), [mask(people, number, spec)], 'm')[0]?.query ?? '';

  test('keep the order of columns and their types; a domain becomes its base type', () => {
    const text = query({ type: 'redact' }, 4);
    expect(text).toContain(
      '  t."id",\n  t."ssn",\n  t."key",\n  CASE WHEN t."email" IS NOT NULL THEN CAST(\'***\' AS "pg_catalog"."text") END AS "email"',
    );
  });

  test.each<[MaskSpec, number, string]>([
    [{ type: 'redact' }, 2, `CASE WHEN t."ssn" IS NOT NULL THEN CAST('***' AS "pg_catalog"."text") END AS "ssn"`],
    [{ type: 'redact' }, 3, 'CAST(NULL AS "pg_catalog"."uuid") AS "key"'],
    [{ type: 'null' }, 2, 'CAST(NULL AS "pg_catalog"."text") AS "ssn"'],
    [{ type: 'constant', value: "it's \\" }, 2, `THEN CAST(E'it''s \\\\' AS "pg_catalog"."text") END`],
    [{ type: 'email' }, 2, 'pg_catalog."strpos"'],
    [{ type: 'hash' }, 2, '"m"."gatehouse_hash_key"'],
    [{ type: 'date', truncate: 'year' }, 2, 'CAST(NULL AS "pg_catalog"."text") AS "ssn"'],
    [{ type: 'number', bucket: 10 }, 1, `CAST('10' AS pg_catalog."numeric")`],
    [{ type: 'number', round: 1e-7 }, 1, 'CAST(NULL AS "pg_catalog"."int4") AS "id"'],
    [{ type: 'partial', keepFirst: 1, keepLast: 256 }, 2, `THEN CAST('***' AS "pg_catalog"."text") END AS "ssn"`],
  ])('%j on column %i', (spec, number, expected) => expect(query(spec, number)).toContain(expected));

  test('keep conditions and estimates away from what is behind them', () => {
    const made = hardeningScript(request([people, places], [mask(people, 2), mask(places, 1)])).match(/^CREATE VIEW .*$/gm);
    expect(made).toEqual(['people', 'places'].map((name) => `CREATE VIEW "gatehouse_masked"."${name}" WITH (security_barrier) AS`));
  });

  test('another mask is another digest', () => {
    const digest = (spec: MaskSpec) => maskingViews(catalogOf([people]), [mask(people, 2, spec)], 'm')[0]?.digest;
    expect(digest({ type: 'partial', keepLast: 4 })).toBe(digest({ type: 'partial', keepLast: 4 }));
    expect(digest({ type: 'partial', keepLast: 4 })).not.toBe(digest({ type: 'partial', keepLast: 5 }));
  });

  test('a view has the bare name only where that means its own table', () => {
    const hr = relation(4, 'hr', 'people', [['ssn', TEXT]]);
    const far = relation(5, 'hr', 'places', [['city', TEXT]]);
    const long = relation(6, 'hr', 'x'.repeat(62), [['city', TEXT]]);
    const twin = relation(7, 'public', 'x'.repeat(62), [['city', TEXT]]);
    const names = maskingViews(
      catalogOf([people, places, hr, far, long, twin]),
      [mask(people, 2), mask(hr, 1), mask(far, 1), mask(long, 1)],
      'm',
    ).map((view) => `${view.relation.schema}.${view.relation.name} → ${view.name}`);
    expect(names).toEqual([
      'hr.people → hr__people',
      'hr.places → hr__places',
      `hr.${'x'.repeat(62)} → relation_6`,
      'public.people → people',
    ]);
  });
});

describe('hostile names', () => {
  const evil = 'x"; DROP TABLE people; --\n\rDROP TABLE people; -- $gatehouse$ \' %s \\';
  const scriptFor = (name: string, revokePublic: boolean) => {
    const odd = relation(9, 'public', name, [
      [name, TEXT],
      ['plain', TEXT],
    ]);
    const whole = request([odd, people], [mask(odd, 1, { type: 'hash' })], {
      ...{ role: `r${name}`.slice(0, 40), schema: `s${name}`, database: name, connection: name, revokePublic },
    });
    const sequences = [{ schema: name, name, usage: true, select: true }];
    const model = { ...whole.model, role: name, usage: [name], publicCreate: [name], publicTemporary: true, sequences };
    return hardeningScript({ ...whole, model });
  };

  test.each([false, true])('no name becomes a statement, or a line of its own (revokePublic %s)', (revokePublic) => {
    const text = scriptFor(evil, revokePublic);
    expect(kindsOf(text)).toEqual(kindsOf(scriptFor('plain', revokePublic)));
    expect(text.split('\n').length).toBe(scriptFor('plain', revokePublic).split('\n').length);
    expect(text).not.toContain('\r');
  });
});

describe('what PUBLIC holds', () => {
  const peek: FunctionInfo = {
    ...{
      oid: 50,
      schema: 'public',
      name: 'peek',
      language: 'sql',
      volatility: 'stable',
      kind: 'function',
      arguments: [],
      returnTypeOid: 25,
    },
    ...{
      returnsSet: false,
      securityDefiner: true,
      extension: null,
      source: 'select ssn from people',
      unreadable: false,
      searchPath: null,
      defaults: null,
    },
  };
  const wanted = (revokePublic: boolean) => {
    const base = request([people], [mask(people, 2)], { revokePublic, catalog: catalogOf([people], [peek]) });
    const routines = [{ oid: 50, identity: 'n integer', execute: true, publicExecute: true }];
    const relations = new Map([[people.oid, { ...all(people), publicSelect: [1, 2] }]]);
    return { ...base, model: { ...base.model, relations, publicTemporary: true, publicCreate: ['public'], routines } };
  };

  test('is explained and left alone', () => {
    const text = hardeningScript(wanted(false));
    expect(text).toContain(
      '-- REVOKE EXECUTE ON ROUTINE "public"."peek"(n integer) FROM PUBLIC;\n-- GRANT EXECUTE ON ROUTINE "public"."peek"(n integer) TO "app";',
    );
    expect(text.split('\n').filter((line) => line.startsWith('REVOKE') && line.includes('PUBLIC'))).toEqual([
      'REVOKE ALL ON SCHEMA "gatehouse_masked" FROM PUBLIC;',
      'REVOKE ALL ON "gatehouse_masked"."people" FROM PUBLIC;',
    ]);
  });

  test('is taken away when that is asked for', () => {
    const lines = hardeningScript(wanted(true)).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'REVOKE CREATE ON SCHEMA "public" FROM PUBLIC;',
        'REVOKE SELECT ON "public"."people" FROM PUBLIC;',
        'REVOKE TEMPORARY ON DATABASE "shop" FROM PUBLIC;',
        'REVOKE EXECUTE ON ROUTINE "public"."peek"(n integer) FROM PUBLIC;',
      ]),
    );
  });
});

test('one transaction, and no password', () => {
  const text = hardeningScript(request([people], [mask(people, 2)]));
  const kinds = kindsOf(text);
  expect([kinds[0], kinds.at(-1)]).toEqual(['TransactionStmt', 'TransactionStmt']);
  expect(kinds.filter((kind) => kind === 'TransactionStmt')).toHaveLength(2);
  expect(text.toLowerCase()).not.toMatch(/password '/);
});

test('the owner’s name fits where the role’s does', () => {
  expect(ownerOf('gatehouse_shop')).toBe('gatehouse_shop_masks');
  expect(Buffer.byteLength(ownerOf('é'.repeat(31)))).toBeLessThanOrEqual(63);
});
