import { expect, test } from 'vitest';
import { type Channel, chooseMethod, type SignInMode } from './chooseMethod';

const loopback: Channel = { kind: 'loopback' };
const network: Channel = { kind: 'network' };
const tls: Channel = { kind: 'tls', bindable: true };
/** An Ed25519 certificate. */
const unbindable: Channel = { kind: 'tls', bindable: false };
const plus = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'];

test.each<[SignInMode, Channel, boolean, 'password' | string[]]>([
  ['auto', loopback, false, 'password'],
  ['auto', loopback, true, 'password'],
  ['auto', tls, false, plus],
  ['auto', unbindable, false, ['SCRAM-SHA-256']],
  ['auto', network, false, ['SCRAM-SHA-256']],
  ['auto', tls, true, 'password'],
  ['auto', network, true, 'password'],
  ['scram', loopback, false, ['SCRAM-SHA-256']],
  ['scram', loopback, true, ['SCRAM-SHA-256']],
  ['scram', tls, true, plus],
  ['password', tls, false, 'password'],
  ['password', network, false, 'password'],
])('%s over %j, tokens without verifiers %j', (mode, channel, onlyInClear, expected) => {
  const method = chooseMethod(mode, { channel, onlyInClear });
  expect(method.kind === 'sasl' ? method.mechanisms : method.kind).toEqual(expected);
});
