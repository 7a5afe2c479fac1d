import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { factsOf } from './facts';
import { loadParser, parseStatements } from './parse';
import type { Effect, TextFacts } from './types';

beforeAll(loadParser);

function facts(text: string): TextFacts {
  const [statement] = parseStatements(text);
  if (statement === undefined) throw new Error('no statement');
  return factsOf(statement);
}

const CASES: readonly [text: string, kind: string, effects: readonly Effect[]][] = [
  ['SELECT 1', 'SELECT', ['read']],
  ['VALUES (1)', 'VALUES', ['read']],
  ['TABLE t', 'SELECT', ['read']],
  ['SELECT * FROM t FOR UPDATE', 'SELECT FOR UPDATE', ['read', 'lock']],
  ['SELECT a INTO b FROM t', 'SELECT INTO', ['read', 'create']],
  ['INSERT INTO t VALUES (1)', 'INSERT', ['insert']],
  ['INSERT INTO t SELECT 1', 'INSERT', ['insert', 'read']],
  ['INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2', 'INSERT', ['insert', 'update']],
  ['INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING', 'INSERT', ['insert']],
  ['UPDATE t SET a = 1', 'UPDATE', ['update']],
  ['DELETE FROM t', 'DELETE', ['delete']],
  ['MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE', 'MERGE', ['merge', 'delete']],
  ['MERGE INTO t USING s ON t.a = s.a WHEN NOT MATCHED THEN INSERT VALUES (1)', 'MERGE', ['merge', 'insert']],
  ['TRUNCATE t, u', 'TRUNCATE', ['truncate']],
  ['COPY t TO STDOUT', 'COPY TO', ['read']],
  ['COPY t FROM STDIN', 'COPY FROM', ['insert']],
  ["COPY t TO PROGRAM 'cat'", 'COPY PROGRAM', ['read', 'program']],
  ["COPY t FROM '/etc/passwd'", 'COPY FILE', ['insert', 'file']],
  ['COPY (DELETE FROM t RETURNING a) TO STDOUT', 'DELETE', ['read', 'delete']],
  ['WITH d AS (DELETE FROM t RETURNING a) SELECT a FROM d', 'DELETE', ['read', 'delete']],
  ['EXPLAIN DELETE FROM t', 'EXPLAIN', ['read']],
  ['EXPLAIN (ANALYZE false) DELETE FROM t', 'EXPLAIN', ['read']],
  ['EXPLAIN (ANALYZE off) DELETE FROM t', 'EXPLAIN', ['read']],
  ['EXPLAIN (ANALYZE 0) DELETE FROM t', 'EXPLAIN', ['read']],
  ['EXPLAIN ANALYZE DELETE FROM t', 'DELETE', ['read', 'delete']],
  ['EXPLAIN (ANALYZE) DELETE FROM t', 'DELETE', ['read', 'delete']],
  ['EXPLAIN (VERBOSE, ANALYZE 1, COSTS off) DELETE FROM t', 'DELETE', ['read', 'delete']],
  ["EXPLAIN (ANALYZE 'on') DELETE FROM t", 'DELETE', ['read', 'delete']],
  ['PREPARE p AS DELETE FROM t', 'DELETE', ['session', 'delete']],
  ['EXECUTE p(1)', 'EXECUTE', ['session']],
  ['DEALLOCATE ALL', 'DEALLOCATE', ['session']],
  ['DECLARE c CURSOR FOR SELECT 1', 'DECLARE', ['session', 'read']],
  ['FETCH 2 FROM c', 'FETCH', ['session']],
  ['MOVE 2 FROM c', 'MOVE', ['session']],
  ['CLOSE c', 'CLOSE', ['session']],
  ['DISCARD ALL', 'DISCARD', ['session']],
  ['BEGIN', 'BEGIN', ['transaction']],
  ['START TRANSACTION READ ONLY', 'START TRANSACTION', ['transaction']],
  ['END', 'COMMIT', ['transaction']],
  ['ROLLBACK TO SAVEPOINT s', 'ROLLBACK TO', ['transaction']],
  ["PREPARE TRANSACTION 'x'", 'PREPARE TRANSACTION', ['transaction']],
  ['SET CONSTRAINTS ALL DEFERRED', 'SET CONSTRAINTS', ['transaction']],
  ['SET TRANSACTION READ ONLY', 'SET TRANSACTION', ['transaction']],
  ['SET work_mem = 1', 'SET', ['setting']],
  ['RESET ALL', 'RESET', ['setting']],
  ['SHOW work_mem', 'SHOW', ['read']],
  ['SET ROLE admin', 'SET ROLE', ['setting', 'role']],
  ['SET SESSION AUTHORIZATION admin', 'SET SESSION AUTHORIZATION', ['setting', 'role']],
  ['SET SESSION AUTHORIZATION DEFAULT', 'SET SESSION AUTHORIZATION', ['setting']],
  ['RESET SESSION AUTHORIZATION', 'SET SESSION AUTHORIZATION', ['setting']],
  ['RESET ROLE', 'SET ROLE', ['setting']],
  ['SET ROLE NONE', 'SET ROLE', ['setting', 'role']],
  ['SET LOCAL ROLE admin', 'SET ROLE', ['setting', 'role']],
  ['UNLISTEN *', 'UNLISTEN', ['session']],
  ['LISTEN c', 'LISTEN', ['notify']],
  ["NOTIFY c, 'x'", 'NOTIFY', ['notify']],
  ['LOCK TABLE t', 'LOCK', ['lock']],
  ['DO $$ BEGIN END $$', 'DO', ['opaque']],
  ['CALL p()', 'CALL', ['opaque']],
  ['GRANT SELECT ON t TO bob', 'GRANT', ['grant']],
  ['REVOKE SELECT ON t FROM bob', 'REVOKE', ['grant']],
  ['GRANT admin TO bob', 'GRANT ROLE', ['grant', 'role']],
  ['CREATE USER bob', 'CREATE ROLE', ['role', 'create']],
  ['ALTER USER bob SUPERUSER', 'ALTER ROLE', ['role', 'alter']],
  ['ALTER ROLE bob SET work_mem = 1', 'ALTER ROLE', ['role', 'alter', 'setting']],
  ['DROP GROUP bob', 'DROP ROLE', ['role', 'drop']],
  ['DROP OWNED BY bob', 'DROP OWNED', ['drop']],
  ['ALTER SYSTEM SET work_mem = 1', 'ALTER SYSTEM', ['admin', 'setting']],
  ['VACUUM t', 'VACUUM', ['admin']],
  ['ANALYZE t', 'ANALYZE', ['admin']],
  ['CHECKPOINT', 'CHECKPOINT', ['admin']],
  ["LOAD 'x'", 'LOAD', ['admin', 'file']],
  ['CREATE TABLE n (a int)', 'CREATE TABLE', ['create']],
  ['CREATE TABLE n AS SELECT 1', 'CREATE TABLE', ['create', 'read']],
  ['CREATE MATERIALIZED VIEW n AS SELECT 1', 'CREATE MATERIALIZED VIEW', ['create', 'read']],
  ['CREATE VIEW n AS SELECT 1', 'CREATE VIEW', ['create', 'read']],
  ['CREATE RULE r AS ON INSERT TO t DO INSTEAD DELETE FROM u', 'CREATE RULE', ['create', 'delete']],
  ['CREATE FUNCTION f() RETURNS int BEGIN ATOMIC DELETE FROM t; SELECT 1; END', 'CREATE FUNCTION', ['create', 'delete', 'read']],
  ["CREATE FUNCTION f() RETURNS int LANGUAGE sql SET role = bob AS 'SELECT 1'", 'CREATE FUNCTION', ['create']],
  ['ALTER TABLE t ADD COLUMN x int', 'ALTER TABLE', ['alter']],
  ['ALTER TABLE t DROP COLUMN x', 'ALTER TABLE', ['alter', 'drop']],
  ['ALTER TABLE t DROP CONSTRAINT c', 'ALTER TABLE', ['alter', 'drop']],
  ['ALTER TABLE t ALTER x DROP EXPRESSION', 'ALTER TABLE', ['alter', 'drop']],
  ['ALTER TABLE t ALTER x TYPE bigint', 'ALTER TABLE', ['alter']],
  ['ALTER TABLE t ALTER x TYPE int USING 0', 'ALTER TABLE', ['alter', 'update']],
  ['ALTER TABLE t OWNER TO bob', 'ALTER TABLE', ['alter', 'role']],
  ['ALTER SCHEMA s OWNER TO bob', 'ALTER SCHEMA', ['alter', 'role']],
  ['ALTER TABLE t DISABLE ROW LEVEL SECURITY', 'ALTER TABLE', ['alter', 'grant']],
  ['ALTER TABLE t NO FORCE ROW LEVEL SECURITY', 'ALTER TABLE', ['alter', 'grant']],
  ["ALTER FOREIGN TABLE t OPTIONS (SET program 'x')", 'ALTER FOREIGN TABLE', ['alter', 'network']],
  ['ALTER TABLE t DISABLE TRIGGER ALL', 'ALTER TABLE', ['alter']],
  ['ALTER TABLE t DETACH PARTITION p', 'ALTER TABLE', ['alter']],
  ['ALTER ROLE a RENAME TO b', 'ALTER ROLE', ['alter', 'role']],
  ['ALTER USER a RENAME TO b', 'ALTER ROLE', ['alter', 'role']],
  ['ALTER DATABASE a RENAME TO b', 'ALTER DATABASE', ['alter', 'admin']],
  ['ALTER TABLE a RENAME TO b', 'ALTER TABLE', ['alter']],
  ['ALTER TABLE a RENAME COLUMN x TO y', 'ALTER COLUMN', ['alter']],
  ['ALTER SERVER a RENAME TO b', 'ALTER SERVER', ['alter', 'network']],
  ['ALTER EXTENSION e SET SCHEMA s', 'ALTER EXTENSION', ['alter', 'admin']],
  ['DROP POLICY p ON t', 'DROP POLICY', ['drop', 'grant']],
  ['DROP EXTENSION e', 'DROP EXTENSION', ['drop', 'admin']],
  ['DROP SERVER s CASCADE', 'DROP SERVER', ['drop', 'network']],
  ['DROP PUBLICATION p', 'DROP PUBLICATION', ['drop', 'network']],
  ['DROP FUNCTION f(int)', 'DROP FUNCTION', ['drop']],
  ['DROP AGGREGATE a(int)', 'DROP AGGREGATE', ['drop']],
  ['DROP OPERATOR CLASS c USING btree', 'DROP OPERATOR CLASS', ['drop']],
  ['DROP USER MAPPING FOR bob SERVER s', 'DROP USER MAPPING', ['drop', 'network', 'role']],
  ['ALTER DOMAIN d DROP CONSTRAINT c', 'ALTER DOMAIN', ['alter', 'drop']],
  ['ALTER DATABASE d SET x = 1', 'ALTER DATABASE', ['alter', 'admin', 'setting']],
  ['ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO bob', 'ALTER DEFAULT PRIVILEGES', ['grant', 'alter']],
  ['REASSIGN OWNED BY a TO b', 'REASSIGN OWNED', ['role', 'alter']],
  ['CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION f(internal))', 'CREATE TRANSFORM', ['create', 'admin']],
  ['CREATE SERVER s FOREIGN DATA WRAPPER w', 'CREATE SERVER', ['create', 'network']],
  ["CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p", 'CREATE SUBSCRIPTION', ['create', 'network']],
  ['CREATE POLICY p ON t USING (true)', 'CREATE POLICY', ['create', 'grant']],
  ['CREATE EXTENSION x', 'CREATE EXTENSION', ['create', 'admin']],
  ['CREATE TEMP TABLE n (a int)', 'CREATE TABLE', ['create']],
  ['SECURITY LABEL ON TABLE t IS NULL', 'SECURITY LABEL', ['alter', 'grant']],
  ['COMMENT ON TABLE t IS NULL', 'COMMENT', ['alter']],
  ['REFRESH MATERIALIZED VIEW m', 'REFRESH MATERIALIZED VIEW', ['alter', 'lock']],
  ['REFRESH MATERIALIZED VIEW CONCURRENTLY m', 'REFRESH MATERIALIZED VIEW', ['alter']],
  ['CREATE INDEX ON t (a)', 'CREATE INDEX', ['create', 'lock']],
  ['CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)', 'CREATE INDEX', ['create']],
  ['CLUSTER t', 'CLUSTER', ['admin', 'lock']],
  ['REINDEX TABLE t', 'REINDEX', ['admin', 'lock']],
  ['IMPORT FOREIGN SCHEMA a FROM SERVER s INTO b', 'IMPORT FOREIGN SCHEMA', ['create', 'network']],
  ["COMMIT PREPARED 'x'", 'COMMIT PREPARED', ['transaction']],
  ['EXPLAIN ANALYZE EXECUTE p', 'EXPLAIN', ['read', 'session']],
  ['EXPLAIN ANALYZE CREATE TABLE n AS SELECT 1', 'EXPLAIN', ['read', 'create']],
  ['DECLARE c CURSOR FOR SELECT 1 FROM t FOR UPDATE', 'DECLARE', ['session', 'read', 'lock']],
  ['ALTER TYPE t DROP ATTRIBUTE x', 'ALTER TYPE', ['alter', 'drop']],
  ['ALTER EXTENSION e DROP FUNCTION f(int)', 'ALTER EXTENSION', ['alter', 'drop', 'admin']],
  ['DROP TABLE t', 'DROP TABLE', ['drop']],
  ['DROP MATERIALIZED VIEW t', 'DROP MATERIALIZED VIEW', ['drop']],
  ['DROP DATABASE d', 'DROP DATABASE', ['drop', 'admin']],
];

describe('facts of every kind of statement', () => {
  it.each(CASES)('%s', (text, kind, effects) => {
    const found = facts(text);
    expect(found.kind).toBe(kind);
    expect([...found.effects].sort()).toEqual([...effects].sort());
    expect(found.complete).toBe(true);
  });

  it('names every command of the tree', () => {
    expect(facts('WITH d AS (DELETE FROM t RETURNING a) INSERT INTO u SELECT a FROM d').commands).toEqual(['INSERT', 'SELECT', 'DELETE']);
    expect(facts('ALTER TABLE t DROP COLUMN x').commands).toEqual(['ALTER TABLE', 'DROP COLUMN']);
    expect(facts('EXPLAIN DELETE FROM t').commands).toEqual(['EXPLAIN']);
  });

  it('refuses what the grammar table does not know', () => {
    const [statement] = parseStatements('SELECT 1');
    if (statement === undefined) throw new Error('no statement');
    const strange = factsOf({ ...statement, unknown: ['QuantumJoin'] });
    expect(strange.complete).toBe(false);
    expect(strange.unknown).toEqual(['QuantumJoin']);
    expect(factsOf({ ...statement, node: { tag: 'TeleportStmt' } }).unknown).toEqual(['TeleportStmt']);
  });
});

describe('relations', () => {
  const relations = (text: string) =>
    facts(text)
      .relations.map((use) => `${use.access} ${use.schema ?? '-'}.${use.name}`)
      .sort();

  it.each([
    ['SELECT * FROM a, s.b JOIN c USING (x)', ['read -.a', 'read -.c', 'read s.b']],
    ['INSERT INTO a SELECT * FROM b', ['read -.b', 'write -.a']],
    ['UPDATE a SET x = b.x FROM b', ['read -.b', 'write -.a']],
    ['EXPLAIN DELETE FROM a', ['read -.a']],
    ['DROP TABLE s.a, b', ['write -.b', 'write s.a']],
    ['DROP TRIGGER t ON s.a', ['write s.a']],
    ['TRUNCATE a', ['write -.a']],
    ['COPY a FROM STDIN', ['write -.a']],
    ['COPY a TO STDOUT', ['read -.a']],
    ['CREATE TABLE a AS SELECT * FROM b', ['read -.b', 'write -.a']],
    ['SELECT * FROM a FOR UPDATE OF a', ['read -.a']],
    ['WITH a AS (SELECT * FROM b) SELECT * FROM a', ['read -.b']],
    ['WITH a AS (SELECT * FROM a) SELECT * FROM a', ['read -.a']],
    ['WITH RECURSIVE a AS (SELECT 1 UNION SELECT * FROM a) SELECT * FROM a', []],
    ['WITH a AS (SELECT 1) SELECT * FROM s.a', ['read s.a']],
    ['WITH a AS (SELECT 1) DELETE FROM a', ['write -.a']],
    ['SELECT (WITH a AS (SELECT 1) SELECT * FROM a) FROM a', ['read -.a']],
    ['COMMENT ON COLUMN s.a.x IS NULL', ['write s.a']],
  ])('%s', (text, expected) => {
    expect(relations(text)).toEqual(expected);
  });
});

describe('what the session has to follow', () => {
  it.each([
    ['PREPARE p AS SELECT 1', { type: 'prepare', name: 'p' }],
    ['EXECUTE "P"', { type: 'execute', name: 'P' }],
    ['EXPLAIN ANALYZE EXECUTE p', { type: 'execute', name: 'p' }],
    ['DEALLOCATE ALL', { type: 'deallocate', name: null }],
    ['DECLARE c CURSOR FOR SELECT 1', { type: 'declare', name: 'c' }],
    ['FETCH FROM c', { type: 'fetch', name: 'c' }],
    ['CLOSE ALL', { type: 'close', name: null }],
    ['DISCARD TEMP', { type: 'discard', target: 'temp' }],
    ["SET NAMES 'latin1'", { type: 'set', name: 'client_encoding', value: 'latin1' }],
    ['SET LOCAL search_path = a, b', { type: 'set', name: 'search_path', value: 'a, b' }],
    ['RESET timezone', { type: 'set', name: 'timezone', value: null }],
    ['SELECT 1', null],
  ])('%s', (text, effect) => {
    expect(facts(text).session).toEqual(effect);
  });
});

describe('properties', () => {
  const wrappers: readonly ((inner: string) => string)[] = [
    (inner) => `WITH w AS (${inner}) SELECT 1`,
    (inner) => `WITH w AS (${inner}) INSERT INTO log SELECT 1`,
    (inner) => `WITH w AS (${inner}) VALUES (1)`,
  ];
  const outers: readonly ((inner: string) => string)[] = [
    (inner) => inner,
    (inner) => `EXPLAIN ANALYZE ${inner}`,
    (inner) => `EXPLAIN (COSTS off, ANALYZE) ${inner}`,
    (inner) => `PREPARE p AS ${inner}`,
    (inner) => `COPY (${inner}) TO STDOUT`,
  ];
  const spellings = fc.constantFrom('DELETE FROM t RETURNING 1', 'delete from "t" returning 1', 'DeLeTe/**/FROM--\n t RETURNING 1');

  it('a DELETE keeps its effect however it is wrapped and spelled', () => {
    fc.assert(
      fc.property(spellings, fc.option(fc.constantFrom(...wrappers)), fc.constantFrom(...outers), (inner, wrapper, outer) => {
        const found = facts(outer(wrapper === null ? inner : wrapper(inner)));
        expect(found.effects.has('delete')).toBe(true);
        expect(found.commands).toContain('DELETE');
        expect(found.relations).toContainEqual({ schema: null, name: 't', access: 'write' });
      }),
    );
  });

  it('the same text always has the same facts', () => {
    fc.assert(
      fc.property(fc.constantFrom(...CASES), ([text]) => {
        expect(facts(text)).toEqual(facts(text));
        expect(facts(`/* c */ ${text} -- c`).commands).toEqual(facts(text).commands);
      }),
    );
  });
});
