import { describe, expect, test } from 'vitest';
import { scramClient } from './client';

const nonce = 'rOprNGfwEbeRWgbNEkqO';
const serverFirst = `r=${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;
const both = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'];
const binding = Buffer.from('the hash of a certificate');
const client = (offered = ['SCRAM-SHA-256'], channelBinding: Buffer | null = null) =>
  scramClient({ password: 'pencil', offered, channelBinding, fixed: { nonce, user: '', hash: 'sha256' } });

describe('SCRAM client', () => {
  test('continues the server nonce and proves the password', () => {
    const exchange = client();
    expect(exchange.first()).toBe('n,,n=,r=rOprNGfwEbeRWgbNEkqO');
    const final = exchange.continue(serverFirst);
    expect(final.startsWith('c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=')).toBe(true);
  });

  test('refuses a server that does not prove itself', () => {
    const exchange = client();
    exchange.continue(serverFirst);
    expect(() => exchange.finish('v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=')).toThrow('did not prove');
    expect(() => exchange.finish('')).toThrow('did not prove');
    expect(() => exchange.finish('e=invalid-proof')).toThrow('refused');
  });

  test.each([
    ['a nonce that is not ours', 'r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'],
    ['a nonce the server added nothing to', `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`],
    ['no salt', `r=${nonce}x,s=,i=4096`],
    ['a salt that is no base64', `r=${nonce}x,s=*,i=4096`],
    ['no iteration count', `r=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==`],
    ['an iteration count that would hang us', `r=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000`],
  ])('refuses %s', (_, message) => {
    expect(() => client().continue(message)).toThrow('SCRAM');
  });

  test.each([
    ['binds when the server offers to', both, binding, 'SCRAM-SHA-256-PLUS', 'p=tls-server-end-point,,'],
    ['says that it could have bound when the server does not', ['SCRAM-SHA-256'], binding, 'SCRAM-SHA-256', 'y,,'],
    ['does not bind without TLS', both, null, 'SCRAM-SHA-256', 'n,,'],
  ])('%s', (_, offered, channelBinding, mechanism, header) => {
    const exchange = client(offered, channelBinding);
    expect(exchange.mechanism).toBe(mechanism);
    expect(exchange.first()).toBe(`${header}n=,r=${nonce}`);
    const sent = Buffer.from(exchange.continue(serverFirst).slice(2).split(',')[0] ?? '', 'base64').toString();
    expect(sent).toBe(header + (mechanism.endsWith('PLUS') ? binding.toString() : ''));
  });

  test('refuses a server without SCRAM-SHA-256', () => {
    expect(() => client(['OAUTHBEARER'])).toThrow('offers no SCRAM-SHA-256 (OAUTHBEARER)');
    expect(() => client(['SCRAM-SHA-256-PLUS'])).toThrow('offers no SCRAM-SHA-256');
  });
});
