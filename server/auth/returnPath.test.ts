import { describe, expect, it } from 'vitest';
import { returnPath } from './returnPath';

describe('returnPath', () => {
  it.each(['/approvals/req_1', '/audit?q=who%3Aana&from=1', '/', '/a#b'])('keeps %s', (path) => {
    expect(returnPath(path)).toBe(path);
  });

  it.each([
    undefined,
    '',
    'approvals',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'https://evil.example',
    'javascript:alert(1)',
    '/.//evil.example',
    '/sign-in?next=/',
  ])('sends %j to the start', (path) => {
    expect(returnPath(path)).toBe('/');
  });

  it('takes no list', () => {
    expect(returnPath(['/a', '/b'])).toBe('/');
  });
});
