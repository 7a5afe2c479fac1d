import { beforeAll, expect, test } from 'vitest';
import { loadParser } from './parse';
import { scannedShapeOf } from './scannedShape';

beforeAll(loadParser);

test.each([
  ['select 1', 'select ?'],
  ["DELETE FROM orders WHERE email = 'ana@example.com' AND id IN (1, 2.5)", 'DELETE FROM orders WHERE email = ? AND id IN (?, ?)'],
  ["select e'CANARY\\n', $$CANARY$$, $t$CANARY$t$, x'CA', b'10', U&'CANARY', -5, 1e6", 'select ?, ?, ?, ?, ?, ?, -?, ?'],
  ['select a /* CANARY */ from t -- CANARY', 'select a from t'],
  ["DO $$begin raise 'CANARY'; end$$", 'DO ?'],
  ["ALTER ROLE app PASSWORD 'CANARY'", 'ALTER ROLE app PASSWORD ?'],
  ['select "Ünïcode ""x""", b.c::text, d->>$1 from ünï', 'select "Ünïcode ""x""", b.c::text, d->>$1 from ünï'],
  ["select 'two\nlines \\ and \" quotes', a", 'select ?, a'],
  ["INSERT INTO t VALUES ('CANARY'), (DEFAULT)", 'INSERT INTO t VALUES (?), (DEFAULT)'],
])('%s', (text, shape) => {
  expect(scannedShapeOf(text)).toBe(shape);
});

test.each(["select 'CANARY", 'select "CANARY', 'select /* CANARY', "select '\0CANARY'", 'x'.repeat(200_000)])(
  'what the lexer cannot read shows nothing',
  (text) => {
    expect(scannedShapeOf(text) ?? '').not.toContain('CANARY');
  },
);
