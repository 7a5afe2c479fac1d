import { describe, expect, it } from 'vitest';
import type { SignOnWay } from '../../server/auth/providers';
import { noticeOf, passwordEndedText } from './words';

const ways: SignOnWay[] = [{ name: 'okta', type: 'oidc', label: 'Okta' }];

describe('noticeOf', () => {
  it.each([
    [{ ended: 'refused', with: 'okta' }, /^You were not signed in: Okta said who you are.* Ask an administrator/],
    [{ ended: 'unavailable', with: 'okta' }, /Okta does not answer/],
    [{ ended: 'unfinished', with: 'okta' }, /with Okta was not completed.*Try again/],
    [{ error: 'OAuthSignin' }, /the identity provider does not answer/],
    [{ error: 'OAuthCallback' }, /the sign-in was not completed/],
    [{ ended: '<script>', with: 'evil' }, /the sign-in was not completed/],
  ])('%j', (query, words) => {
    expect(noticeOf(query, ways)?.text).toMatch(words);
  });

  it('shows no word of the address', () => {
    for (const ended of ['refused', 'unavailable', 'unfinished', 'Call 555'])
      expect(noticeOf({ ended, with: 'Call 555', error: 'Call 555' }, ways)?.text).not.toContain('555');
  });

  it('is nothing where nothing ended', () => {
    expect(noticeOf({}, ways)).toBeNull();
  });
});

describe('passwordEndedText', () => {
  it.each([
    ['wait', /too many attempts.*one-time link/],
    ['busy', /too many people/],
    ['unreachable', /did not answer/],
    ['CredentialsSignin', /do not fit together/],
    ['refused', /do not fit together/],
    ['Call 555', /do not fit together/],
  ])('%s', (ended, words) => {
    expect(passwordEndedText(ended)).toMatch(words);
    expect(passwordEndedText(ended)).not.toContain('555');
  });
});
