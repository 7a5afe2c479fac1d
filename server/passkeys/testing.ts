import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isoCBOR } from '@simplewebauthn/server/helpers';

/** An authenticator in software, as a browser with it answers: real keys, real signatures, and every lie a test wants told. */
export interface SoftAuthenticator {
  credentialId: string;
  create(options: { challenge: string; user: { id: string } }, lies?: Lies): RegistrationResponse;
  get(options: { challenge: string }, lies?: Lies): AssertionResponse;
}

export interface Lies {
  origin?: string;
  rpId?: string;
  challenge?: string;
  type?: string;
  crossOrigin?: boolean;
  /** The person was not verified, or was not even there. */
  userVerified?: boolean;
  userPresent?: boolean;
  counter?: number;
  userHandle?: string | null;
  credentialId?: string;
  /** Signs with another key. */
  key?: KeyObject;
  /** Changes the signed bytes afterwards. */
  tamper?: 'signature' | 'authenticatorData' | 'clientData';
  backedUp?: boolean;
}

interface Credential {
  id: string;
  rawId: string;
  type: 'public-key';
  clientExtensionResults: object;
}
export interface RegistrationResponse extends Credential {
  response: { clientDataJSON: string; attestationObject: string; transports: string[] };
}
export interface AssertionResponse extends Credential {
  response: { clientDataJSON: string; authenticatorData: string; signature: string; userHandle?: string };
}

const base64url = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64url');
const sha256 = (bytes: Uint8Array | string): Buffer => createHash('sha256').update(bytes).digest();

export const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

export function softAuthenticator({ rpId, origin }: { rpId: string; origin: string }): SoftAuthenticator {
  const { publicKey, privateKey } = newKey();
  const credentialId = base64url(randomBytes(32));
  let counter = 0;
  let userId = '';

  const clientData = (type: string, challenge: string, lies: Lies): Buffer =>
    Buffer.from(
      JSON.stringify({
        type: lies.type ?? type,
        challenge: lies.challenge ?? challenge,
        origin: lies.origin ?? origin,
        crossOrigin: lies.crossOrigin ?? false,
      }),
    );
  /** WebAuthn §6.1. */
  const authenticatorData = (lies: Lies, attested: Uint8Array): Buffer => {
    const flags =
      (lies.userPresent === false ? 0 : 0x01) |
      (lies.userVerified === false ? 0 : 0x04) |
      (lies.backedUp === true ? 0x18 : 0) |
      (attested.length > 0 ? 0x40 : 0);
    const count = Buffer.alloc(4);
    count.writeUInt32BE(lies.counter ?? counter);
    return Buffer.concat([sha256(lies.rpId ?? rpId), Buffer.from([flags]), count, attested]);
  };

  return {
    credentialId,
    create({ challenge, user }, lies = {}) {
      userId = user.id;
      const jwk = publicKey.export({ format: 'jwk' });
      const cose = isoCBOR.encode(
        new Map<number, number | Uint8Array>([
          [1, 2],
          [3, -7],
          [-1, 1],
          [-2, Uint8Array.from(Buffer.from(jwk.x ?? '', 'base64url'))],
          [-3, Uint8Array.from(Buffer.from(jwk.y ?? '', 'base64url'))],
        ]),
      );
      const id = Buffer.from(credentialId, 'base64url');
      const length = Buffer.alloc(2);
      length.writeUInt16BE(id.length);
      const attested = Buffer.concat([Buffer.alloc(16), length, id, cose]);
      const attestationObject = isoCBOR.encode(
        new Map<string, string | Uint8Array | Map<never, never>>([
          ['fmt', 'none'],
          ['attStmt', new Map<never, never>()],
          ['authData', Uint8Array.from(authenticatorData(lies, attested))],
        ]),
      );
      return {
        ...{ id: credentialId, rawId: credentialId, type: 'public-key', clientExtensionResults: {} },
        response: {
          clientDataJSON: base64url(clientData('webauthn.create', challenge, lies)),
          attestationObject: base64url(attestationObject),
          transports: ['internal'],
        },
      };
    },
    get({ challenge }, lies = {}) {
      counter++;
      const client = clientData('webauthn.get', challenge, lies);
      const data = authenticatorData(lies, new Uint8Array());
      const signature = sign('sha256', Buffer.concat([data, sha256(client)]), lies.key ?? privateKey);
      if (lies.tamper === 'signature') signature.writeUInt8(signature.readUInt8(signature.length - 1) ^ 1, signature.length - 1);
      // The counter, which the signature covers.
      if (lies.tamper === 'authenticatorData') data.writeUInt8(9, 34);
      const sent = lies.tamper === 'clientData' ? Buffer.from(client.toString().replace('}', ',"more":1}')) : client;
      const id = lies.credentialId ?? credentialId;
      const userHandle = lies.userHandle === undefined ? userId : lies.userHandle;
      return {
        ...{ id, rawId: id, type: 'public-key', clientExtensionResults: {} },
        response: {
          clientDataJSON: base64url(sent),
          authenticatorData: base64url(data),
          signature: base64url(signature),
          ...(userHandle === null ? {} : { userHandle }),
        },
      };
    },
  };
}
