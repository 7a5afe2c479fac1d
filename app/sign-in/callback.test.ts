import { describe, expect, it } from 'vitest';
import { callbackPath } from './callback';

describe('callbackPath', () => {
  it.each(['/approvals/req_1', '/audit?q=who%3Aana&from=1', '/', '/a#b'])('keeps %s', (path) => {
    expect(callbackPath(path)).toBe(path);
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
    expect(callbackPath(path)).toBe('/');
  });

  it('takes no list', () => {
    expect(callbackPath(['/a', '/b'])).toBe('/');
  });
});
