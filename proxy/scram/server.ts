import { timingSafeEqual } from 'node:crypto';
import { channelBindingRefused, protocolViolation, saslRefused, scramMalformed } from '../wire/errors';
import { decodeBase64, isNonce, readAttributes } from './attributes';
import { digest, hmac, type ScramHash, type ScramKeys, xor } from './keys';

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS';

/** The server side of one exchange (RFC 5802, section 5), after client-first-message. */
export interface ScramServer {
  /** server-first-message. */
  first: string;
  /**
   * Checks client-final-message against keys that share the exchange's salt and iteration count; every one is tried, so that the time
   * says nothing of which was right. Null when none is.
   */
  finish<K extends ScramKeys>(clientFinal: string, candidates: readonly K[]): { matched: K; final: string } | null;
}

/**
 * Answers client-first-message.
 *
 * @param offer.mechanism what the client chose, one of those offered
 * @param offer.channelBinding tls-server-end-point data of our own certificate; null when -PLUS was not offered
 * @param challenge.nonce our part of the nonce
 * @throws WireError as PostgreSQL's auth-scram.c does: 08P01 for what is malformed, 28000 where the client and we disagree about the channel
 */
export function scramServer(
  clientFirst: string,
  offer: { mechanism: ScramMechanism; channelBinding: Buffer | null },
  challenge: { salt: Buffer; iterations: number; nonce: string; hash?: ScramHash },
): ScramServer {
  const hash = challenge.hash ?? 'sha256';
  const { header, bare, nonce: clientNonce } = readClientFirst(clientFirst, offer);
  const nonce = clientNonce + challenge.nonce;
  const first = `r=${nonce},s=${challenge.salt.toString('base64')},i=${challenge.iterations}`;
  const bound = offer.mechanism === 'SCRAM-SHA-256-PLUS' ? offer.channelBinding : null;
  const expectedBinding = Buffer.concat([Buffer.from(header), ...(bound === null ? [] : [bound])]);

  return {
    first,
    finish(clientFinal, candidates) {
      const { withoutProof, proof } = readClientFinal(clientFinal, { nonce, expectedBinding });
      const authMessage = `${bare},${first},${withoutProof}`;
      let matched: (typeof candidates)[number] | null = null;
      for (const keys of candidates) {
        const signature = hmac(hash, keys.storedKey, authMessage);
        if (proof.length !== signature.length) continue;
        if (timingSafeEqual(digest(hash, xor(proof, signature)), keys.storedKey)) matched = keys;
      }
      if (matched === null) return null;
      return { matched, final: `v=${hmac(hash, matched.serverKey, authMessage).toString('base64')}` };
    },
  };
}

/** gs2-header, then client-first-message-bare: `n,,n=user,r=nonce`. The user name is the start-up packet's; this one is not looked at. */
function readClientFirst(
  message: string,
  offer: { mechanism: ScramMechanism; channelBinding: Buffer | null },
): { header: string; bare: string; nonce: string } {
  const [flag, authzid, ...rest] = message.split(',');
  if (flag === undefined || authzid === undefined || rest.length < 2) throw scramMalformed('The first message is incomplete.');
  checkFlag(flag, offer);
  if (authzid !== '') throw saslRefused('client uses authorization identity, but it is not supported', '0A000');
  const bare = rest.join(',');
  if (bare.startsWith('m=')) throw saslRefused('client requires an unsupported SCRAM extension', '0A000');
  const [user, nonce] = readAttributes(bare) ?? [];
  if (user?.name !== 'n' || nonce?.name !== 'r') throw scramMalformed('User name and nonce are expected.');
  if (!isNonce(nonce.value)) throw scramMalformed('The nonce holds characters that are not printable.');
  return { header: `${flag},${authzid},`, bare, nonce: nonce.value };
}

function checkFlag(flag: string, { mechanism, channelBinding }: { mechanism: ScramMechanism; channelBinding: Buffer | null }): void {
  const plus = mechanism === 'SCRAM-SHA-256-PLUS';
  if (flag === 'n' || flag === 'y') {
    if (plus) throw scramMalformed(`The client selected ${mechanism}, but the message does not include channel binding data.`);
    // RFC 5802, section 6: somebody between us took our offer away.
    if (flag === 'y' && channelBinding !== null)
      throw channelBindingRefused(
        'SCRAM channel binding negotiation error',
        'The client supports SCRAM channel binding but thinks the server does not. However, this server does support channel binding.',
      );
    return;
  }
  if (!flag.startsWith('p=')) throw scramMalformed('Unexpected channel binding flag.');
  if (!plus)
    throw scramMalformed(`The client selected ${mechanism} without channel binding, but the message includes channel binding data.`);
  if (flag !== 'p=tls-server-end-point') throw saslRefused('unsupported SCRAM channel-binding type', '08P01');
}

/** `c=binding,r=nonce,…,p=proof`: what stands before the proof is signed, extensions included. */
function readClientFinal(message: string, expected: { nonce: string; expectedBinding: Buffer }): { withoutProof: string; proof: Buffer } {
  const end = message.lastIndexOf(',p=');
  const attributes = readAttributes(message);
  if (end < 0 || attributes === null) throw scramMalformed('The proof is missing.');
  const [binding, nonce] = attributes;
  const last = attributes.at(-1);
  if (binding?.name !== 'c' || nonce?.name !== 'r' || last?.name !== 'p')
    throw scramMalformed('Channel binding, nonce and proof are expected.');
  const given = decodeBase64(binding.value);
  if (given === null) throw scramMalformed('The channel binding is not base64.');
  if (!given.equals(expected.expectedBinding)) throw channelBindingRefused('SCRAM channel binding check failed');
  if (nonce.value !== expected.nonce) throw protocolViolation('invalid SCRAM response: nonce does not match');
  const proof = decodeBase64(last.value);
  if (proof === null) throw scramMalformed('The proof is not base64.');
  return { withoutProof: message.slice(0, end), proof };
}
