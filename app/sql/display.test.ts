import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSql } from './format';
import { countInvisible, oneLine, visibleParts } from './invisible';
import { sqlTokens } from './tokens';

const solid = (sql: string) =>
  sqlTokens(sql.trim())
    .filter((token) => token.kind !== 'space')
    .map((token) => token.text);

describe('sqlTokens', () => {
  it('keeps every character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (sql) =>
          sqlTokens(sql)
            .map((token) => token.text)
            .join('') === sql,
      ),
    );
  });

  it('reads quoting as PostgreSQL does', () => {
    const kinds = (sql: string) =>
      sqlTokens(sql)
        .filter((token) => token.kind !== 'space')
        .map((token) => `${token.kind}:${token.text}`);
    expect(kinds(`SELECT 'it''s', E'a\\'b', $tag$ -- no $tag$, $1 /* a /* b */ c */`)).toEqual([
      'keyword:SELECT',
      `string:'it''s'`,
      'symbol:,',
      `string:E'a\\'b'`,
      'symbol:,',
      'string:$tag$ -- no $tag$',
      'symbol:,',
      'parameter:$1',
      'comment:/* a /* b */ c */',
    ]);
  });
});

describe('formatSql', () => {
  it('lays clauses out over lines', () => {
    expect(formatSql("delete from orders where status = 'void' and placed_at < now() returning id")).toBe(
      "delete from orders\nwhere status = 'void'\n  and placed_at < now()\nreturning id",
    );
    expect(formatSql('select a, b from t left join u on t.id = u.id where a between 1 and 2 or b is distinct from c group by a')).toBe(
      'select a, b\nfrom t\nleft join u on t.id = u.id\nwhere a between 1 and 2\n  or b is distinct from c\ngroup by a',
    );
    expect(formatSql('update t set a = 1 where id in (select id from u where x = 1)')).toBe(
      'update t\nset a = 1\nwhere id in (\n  select id\n  from u\n  where x = 1\n)',
    );
  });

  it('indents a statement in parentheses under the line that opens it', () => {
    expect(formatSql('delete from t where a = 1 and id in (select id from u) returning id')).toBe(
      'delete from t\nwhere a = 1\n  and id in (\n    select id\n    from u\n  )\nreturning id',
    );
  });

  it('never lets a line comment swallow what follows it', () => {
    expect(formatSql('select 1 -- one\n, 2')).toBe('select 1 -- one\n, 2');
  });

  it('changes white space between tokens and nothing else', () => {
    const piece = fc.constantFrom(
      'select',
      'from',
      "'a  b'",
      '$$x\n y$$',
      '-- c\n',
      '/* d  e */',
      '(',
      ')',
      'and',
      'between',
      ',',
      ' ',
      '\n',
      'x',
      '"Q  q"',
      ';',
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const sql = pieces.join(' ');
        expect(solid(formatSql(sql))).toEqual(solid(sql));
      }),
    );
  });
});

describe('visibleParts', () => {
  it('escapes what hides or reorders text', () => {
    const text = 'a\u202Eb\u200Bc\u0007d\u{E0041}e\u00A0f';
    expect(
      visibleParts(text)
        .map((part) => part.text)
        .join(''),
    ).toBe('a\\u202Eb\\u200Bc\\u0007d\\u{E0041}e\\u00A0f');
    expect(countInvisible(text)).toBe(5);
    expect(countInvisible('SELECT\t1\n')).toBe(0);
  });

  it('shows a row on one line', () => {
    expect(oneLine('DELETE\n  FROM t\u202E')).toBe('DELETE FROM t\\u202E');
  });
});
