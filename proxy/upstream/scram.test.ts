import { describe, expect, test } from 'vitest';
import { scramClient } from './scram';

// RFC 7677, section 3. PostgreSQL sends an empty user name, so the client-first-message differs from the RFC's and with it the proof;
// the server's messages are the RFC's with that name taken out, computed by the reference exchange below.
describe('SCRAM-SHA-256', () => {
  const nonce = 'rOprNGfwEbeRWgbNEkqO';
  const serverFirst = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096';

  test('continues the server nonce and proves the password', () => {
    const client = scramClient('pencil', nonce);
    expect(client.first()).toBe('n,,n=,r=rOprNGfwEbeRWgbNEkqO');
    const final = client.continue(serverFirst);
    expect(final.startsWith('c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=')).toBe(true);
  });

  test('refuses a server that does not prove itself', () => {
    const client = scramClient('pencil', nonce);
    client.continue(serverFirst);
    expect(() => client.finish('v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=')).toThrow('did not prove');
    expect(() => client.finish('e=invalid-proof')).toThrow('refused');
  });

  test.each([
    ['a nonce that is not ours', 'r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'],
    ['a nonce the server added nothing to', `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`],
    ['no salt', `r=${nonce}x,s=,i=4096`],
    ['an iteration count that would hang us', `r=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000`],
  ])('refuses %s', (_, message) => {
    expect(() => scramClient('pencil', nonce).continue(message)).toThrow('SCRAM');
  });
});
