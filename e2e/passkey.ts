import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** A passkey in software, as a browser with it answers: registered once (WebAuthn §6.5, attestation `none`), then signing what is asked. */
export function softPasskey({ rpId, origin }: { rpId: string; origin: string }) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const id = randomBytes(32);
  const credentialId = id.toString('base64url');
  const clientData = (type: string, challenge: string) => Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  /** §6.1; 0x05: somebody was there, and was verified. */
  const authenticatorData = (flags: number, rest: Buffer) =>
    Buffer.concat([sha256(Buffer.from(rpId)), Buffer.from([flags, 0, 0, 0, 0]), rest]);
  const credential = { id: credentialId, rawId: credentialId, type: 'public-key' as const, clientExtensionResults: {} };
  return {
    credentialId,
    create({ challenge }: { challenge: string }) {
      // COSE_Key of ES256 (RFC 9053 §7.1.1) in CBOR: {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
      const point = (value: string) => Buffer.concat([Buffer.from([0x58, 32]), Buffer.from(value, 'base64url')]);
      const key = Buffer.concat([Buffer.from('a501020326200121', 'hex'), point(x), Buffer.from([0x22]), point(y)]);
      const data = authenticatorData(0x45, Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, key]));
      const text = (words: string) => Buffer.concat([Buffer.from([0x60 + words.length]), Buffer.from(words)]);
      const attestation = [Buffer.from([0xa3]), text('fmt'), text('none'), text('attStmt'), Buffer.from([0xa0]), text('authData')];
      const attestationObject = Buffer.concat([...attestation, Buffer.from([0x58, data.length]), data]).toString('base64url');
      const clientDataJSON = clientData('webauthn.create', challenge).toString('base64url');
      return { ...credential, response: { clientDataJSON, attestationObject, transports: ['internal'] } };
    },
    get({ challenge }: { challenge: string }) {
      const client = clientData('webauthn.get', challenge);
      const data = authenticatorData(0x05, Buffer.alloc(0));
      const signature = sign('sha256', Buffer.concat([data, sha256(client)]), privateKey).toString('base64url');
      const [clientDataJSON, authenticatorDataText] = [client, data].map((bytes) => bytes.toString('base64url')) as [string, string];
      return { ...credential, response: { clientDataJSON, authenticatorData: authenticatorDataText, signature } };
    },
  };
}
