import type { ScramMechanism } from '../scram/server';

/** `auto` asks for what the channel allows; `scram` and `password` always for the same. */
export type SignInMode = 'auto' | 'scram' | 'password';

/** What a client asks to be asked for, by the start-up setting `gatehouse.sign_in`. */
export const ASKED_METHODS = ['scram', 'password', 'oauth'] as const;
export type AskedMethod = (typeof ASKED_METHODS)[number];

export type SaslMechanism = ScramMechanism | 'OAUTHBEARER';

/** How a client is asked to prove itself. */
export type SignInMethod = { kind: 'password' } | { kind: 'sasl'; mechanisms: readonly SaslMechanism[] };

/** What the client speaks over; `bindable` when TLS shows a certificate that a proof can be bound to. */
export type Channel = { kind: 'loopback' } | { kind: 'network' } | { kind: 'tls'; bindable: boolean };

export interface SignInFacts {
  channel: Channel;
  /** See proxy/identity/credentials.ts. */
  onlyInClear: boolean;
  /** OIDC providers vouch for people and workloads: a JWT cannot be proved without being sent. */
  oidc: boolean;
  asked: AskedMethod | null;
}

/**
 * Which method a client is asked for. Over plain loopback any client at all should work, so that asks for the token itself; over TLS too
 * where somebody may come with a JWT, whatever name they say, so that it tells nothing of the name; anywhere else a token is proved without
 * being sent. What would be worth as much to whoever reads it on the way is asked for on no open line. Pure.
 */
export function chooseMethod(mode: SignInMode, { channel, onlyInClear, oidc, asked }: SignInFacts): SignInMethod {
  const bearer = oidc && channel.kind !== 'network';
  if (asked === 'oauth' && bearer) return { kind: 'sasl', mechanisms: ['OAUTHBEARER'] };
  switch (mode) {
    case 'password':
      return { kind: 'password' };
    case 'scram':
      return sasl(channel, bearer);
    case 'auto': {
      if (onlyInClear) return { kind: 'password' };
      if (asked === 'scram' || channel.kind === 'network') return sasl(channel, bearer);
      return channel.kind === 'loopback' || oidc || asked === 'password' ? { kind: 'password' } : sasl(channel, bearer);
    }
    default:
      return mode satisfies never;
  }
}

function sasl(channel: Channel, bearer: boolean): SignInMethod {
  const scram: SaslMechanism[] = channel.kind === 'tls' && channel.bindable ? ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'] : ['SCRAM-SHA-256'];
  return { kind: 'sasl', mechanisms: bearer ? [...scram, 'OAUTHBEARER'] : scram };
}
