import { beforeAll, describe, expect, it } from 'vitest';
import { fingerprintOf, loadParser, parseStatements, SqlSyntaxError, SqlTooComplexError } from './parse';

beforeAll(loadParser);

const syntaxError = (text: string): SqlSyntaxError => {
  try {
    parseStatements(text);
  } catch (error) {
    if (error instanceof SqlSyntaxError) return error;
    throw error;
  }
  throw new Error('parsed');
};

describe('parseStatements', () => {
  it.each(['', '  \n', '-- only a comment', '/* DROP TABLE x */', ';;', ' ; ; '])('finds no statement in %j', (text) => {
    expect(parseStatements(text)).toEqual([]);
  });

  it('cuts each statement from the text, whatever is in front of it', () => {
    const text = "  SELECT 'é🙂', 1 ;\n/* ü */ DELETE FROM t WHERE s = 'ß';; SELECT 2 -- end";
    const statements = parseStatements(text);
    expect(statements.map((statement) => statement.text)).toEqual(["SELECT 'é🙂', 1", "DELETE FROM t WHERE s = 'ß'", 'SELECT 2 -- end']);
    for (const statement of statements) expect(text.slice(statement.location).startsWith(statement.text)).toBe(true);
  });

  it('reports the position in characters from 1', () => {
    const error = syntaxError("select 'éé' fro m t x y");
    expect(error.message).toBe('syntax error at or near "m"');
    expect(error.position).toBe(17);
    expect(error.sqlstate).toBe('42601');
  });

  it('refuses a NUL, behind which libpg-query would not look', () => {
    expect(syntaxError('SELECT 1\0; DROP TABLE t').position).toBe(9);
  });

  it.each([
    ['parentheses', `SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)}`],
    ['terms', `SELECT 1${' + 1'.repeat(50_000)}`],
  ])('refuses 20,000 and more nested %s, and still parses afterwards', (_, text) => {
    expect(() => parseStatements(text)).toThrow(SqlTooComplexError);
    expect(parseStatements('SELECT 1')).toHaveLength(1);
  });

  it('fingerprints by shape', () => {
    expect(fingerprintOf('select * from t where a = 1')).toBe(fingerprintOf('SELECT * FROM t WHERE a = 22'));
    expect(fingerprintOf('select * from t where a = 1')).not.toBe(fingerprintOf('select * from t where b = 1'));
  });
});
