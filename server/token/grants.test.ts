import { describe, expect, test } from 'vitest';
import { plainUserCode } from './device';
import { demandMayAct } from './exchange';
import { readGrant, type TokenRefused } from './grants';

const TYPE = 'urn:ietf:params:oauth:token-type:';
const exchange = { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: 'x', subject_token_type: `${TYPE}jwt` };
const form = (fields: Record<string, string>, more = '') => new URLSearchParams(`${new URLSearchParams(fields)}${more}`);

describe('a token request', () => {
  test('names connections by audience, as often or as long as it likes, each once', () => {
    expect(readGrant(form(exchange, '&audience=shop&audience=crm+shop'))).toMatchObject({
      kind: 'exchange',
      connections: ['shop', 'crm'],
      expiresInS: null,
    });
    expect(readGrant(form({ ...exchange, expires_in: '60' }))).toMatchObject({ connections: [], expiresInS: 60, actorToken: null });
    expect(readGrant(form({ grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: 'gh_dc_1' }))).toEqual({
      kind: 'device',
      deviceCode: 'gh_dc_1',
    });
  });

  test.each<[string, URLSearchParams, TokenRefused['code']]>([
    ['nothing', form({}), 'invalid_request'],
    ['another grant', form({ grant_type: 'password' }), 'unsupported_grant_type'],
    ['no subject', form({ ...exchange, subject_token: '' }), 'invalid_request'],
    ['a subject twice', form(exchange, '&subject_token=y'), 'invalid_request'],
    ['a subject of another kind', form({ ...exchange, subject_token_type: `${TYPE}saml2` }), 'invalid_request'],
    ['an actor without its kind', form({ ...exchange, actor_token: 'y' }), 'invalid_request'],
    ['a refresh token for it', form({ ...exchange, requested_token_type: `${TYPE}refresh_token` }), 'invalid_request'],
    ['more than 12 hours', form({ ...exchange, expires_in: '43201' }), 'invalid_request'],
    ['no time', form({ ...exchange, expires_in: '0' }), 'invalid_request'],
    ['a time in words', form({ ...exchange, expires_in: '1h' }), 'invalid_request'],
    ['no device code', form({ grant_type: 'urn:ietf:params:oauth:grant-type:device_code' }), 'invalid_request'],
  ])('with %s is refused', (_, fields, code) => {
    expect(() => readGrant(fields)).toThrow(expect.objectContaining({ code }));
  });

  test.each([
    ['nobody is named', undefined, true],
    ['it', { sub: 'bot' }, true],
    ['it, of its issuer', { sub: 'bot', iss: 'https://corp' }, true],
    ['another', { sub: 'other' }, false],
    ['one of another issuer', { sub: 'bot', iss: 'https://elsewhere' }, false],
    ['what cannot be read', 'bot', false],
  ])('an actor acts where may_act names %s', (_, mayAct, allowed) => {
    const acts = () =>
      demandMayAct({ claims: mayAct === undefined ? {} : { may_act: mayAct } }, { subject: 'bot', issuer: 'https://corp' });
    if (allowed) expect(acts).not.toThrow();
    else expect(acts).toThrow(/may_act/);
  });

  test('a code is read as people type it', () => {
    for (const typed of ['BCDF-GHJK', ' bcdf ghjk ', 'bcdfghjk', 'BCDF–GHJK']) expect(plainUserCode(typed)).toBe('BCDFGHJK');
  });
});
