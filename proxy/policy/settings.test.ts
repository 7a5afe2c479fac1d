import { describe, expect, it } from 'vitest';
import { settingProblem } from './settings';

describe('settingProblem', () => {
  it.each([
    ['TimeZone', 'Europe/Paris'],
    ['datestyle', 'ISO'],
    ['search_path', 'hr, public'],
    ['statement_timeout', '5s'],
    ['enable_seqscan', 'off'],
    ['client_encoding', 'UTF8'],
    ['client_encoding', null],
    ['standard_conforming_strings', 'on'],
    ['row_security', 'on'],
    ['role', null],
    ['work_mem', undefined],
  ])('lets %s be %s', (name, value) => expect(settingProblem(name, value)).toBeNull());

  it.each([
    ['role', 'admin'],
    ['session_authorization', 'admin'],
    ['session_replication_role', 'replica'],
    ['row_security', 'off'],
    ['client_encoding', 'SJIS'],
    ['client_encoding', undefined],
    ['standard_conforming_strings', 'off'],
    ['standard_conforming_strings', undefined],
    ['app.tenant', 'other'],
    ['local_preload_libraries', 'x'],
    ['never_heard_of', '1'],
  ])('refuses %s as %s', (name, value) => expect(settingProblem(name, value)?.why).toContain(name));
});
