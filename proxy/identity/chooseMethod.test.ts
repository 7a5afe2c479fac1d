import { expect, test } from 'vitest';
import { type AskedMethod, type Channel, chooseMethod, type SignInMode } from './chooseMethod';

const loopback: Channel = { kind: 'loopback' };
const network: Channel = { kind: 'network' };
const tls: Channel = { kind: 'tls', bindable: true };
/** An Ed25519 certificate. */
const unbindable: Channel = { kind: 'tls', bindable: false };
const plain = ['SCRAM-SHA-256'];
const plus = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'];
const oauth = ['OAUTHBEARER'];

test.each<[SignInMode, Channel, boolean, 'password' | string[]]>([
  ['auto', loopback, false, 'password'],
  ['auto', loopback, true, 'password'],
  ['auto', tls, false, plus],
  ['auto', unbindable, false, plain],
  ['auto', network, false, plain],
  ['auto', tls, true, 'password'],
  ['auto', network, true, 'password'],
  ['scram', loopback, false, plain],
  ['scram', loopback, true, plain],
  ['scram', tls, true, plus],
  ['password', tls, false, 'password'],
  ['password', network, false, 'password'],
])('%s over %j, tokens without verifiers %j', (mode, channel, onlyInClear, expected) => {
  const method = chooseMethod(mode, { channel, onlyInClear, oidc: false, asked: null });
  expect(method.kind === 'sasl' ? method.mechanisms : method.kind).toEqual(expected);
});

test.each<[SignInMode, Channel, boolean, AskedMethod | null, 'password' | string[]]>([
  // Who may come with a JWT is asked for it, where nobody reads it on the way.
  ['auto', tls, true, null, 'password'],
  ['auto', loopback, true, null, 'password'],
  ['auto', network, true, null, plain],
  ['auto', tls, true, 'scram', [...plus, ...oauth]],
  ['auto', loopback, true, 'scram', [...plain, ...oauth]],
  ['auto', network, true, 'scram', plain],
  ['auto', tls, true, 'oauth', oauth],
  ['auto', loopback, true, 'oauth', oauth],
  ['auto', network, true, 'oauth', plain],
  ['auto', network, true, 'password', plain],
  ['scram', tls, true, null, [...plus, ...oauth]],
  ['scram', tls, true, 'password', [...plus, ...oauth]],
  ['scram', tls, true, 'oauth', oauth],
  ['scram', network, true, null, plain],
  ['password', tls, true, null, 'password'],
  ['password', tls, true, 'scram', 'password'],
  ['password', tls, true, 'oauth', oauth],
  // Without providers there is no bearer to speak of.
  ['auto', tls, false, 'oauth', plus],
  ['auto', tls, false, 'scram', plus],
  ['auto', tls, false, 'password', 'password'],
  ['auto', network, false, 'password', plain],
  ['scram', tls, false, 'password', plus],
])('%s over %j, providers %j, asked for %j', (mode, channel, oidc, asked, expected) => {
  const method = chooseMethod(mode, { channel, onlyInClear: false, oidc, asked });
  expect(method.kind === 'sasl' ? method.mechanisms : method.kind).toEqual(expected);
});
