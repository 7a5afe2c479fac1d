import type { ScramMechanism } from '../scram/server';

/** `auto` asks for what the channel allows; `scram` and `password` always for the same. */
export type SignInMode = 'auto' | 'scram' | 'password';

/** How a client is asked to prove itself. */
export type SignInMethod = { kind: 'password' } | { kind: 'sasl'; mechanisms: readonly ScramMechanism[] };

/** What the client speaks over; `bindable` when TLS shows a certificate that a proof can be bound to. */
export type Channel = { kind: 'loopback' } | { kind: 'network' } | { kind: 'tls'; bindable: boolean };

/**
 * Which method a client is asked for. Over plain loopback any client at all should work, so that asks for the token itself; anywhere else it
 * is proved without being sent. Pure.
 *
 * @param facts.onlyInClear see proxy/identity/credentials.ts
 */
export function chooseMethod(mode: SignInMode, facts: { channel: Channel; onlyInClear: boolean }): SignInMethod {
  switch (mode) {
    case 'password':
      return { kind: 'password' };
    case 'scram':
      return sasl(facts.channel);
    case 'auto':
      return facts.channel.kind === 'loopback' || facts.onlyInClear ? { kind: 'password' } : sasl(facts.channel);
    default:
      return mode satisfies never;
  }
}

const sasl = (channel: Channel): SignInMethod => ({
  kind: 'sasl',
  mechanisms: channel.kind === 'tls' && channel.bindable ? ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'] : ['SCRAM-SHA-256'],
});
