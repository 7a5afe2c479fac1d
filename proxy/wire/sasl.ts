import { protocolViolation } from './errors';
import { Backend, Frontend } from './messages';
import { FieldReader } from './reader';
import { MessageWriter } from './writer';

/** AuthenticationSASL: the mechanisms offered, the preferred one first. */
export function encodeAuthenticationSasl(mechanisms: readonly string[]): Buffer {
  const writer = new MessageWriter().begin(Backend.authentication).int32(10);
  for (const name of mechanisms) writer.cstring(name);
  return writer.int8(0).end().take();
}

const encodeData = (code: 11 | 12, data: string) =>
  new MessageWriter().begin(Backend.authentication).int32(code).bytes(Buffer.from(data)).end().take();
export const encodeAuthenticationSaslContinue = (data: string) => encodeData(11, data);
export const encodeAuthenticationSaslFinal = (data: string) => encodeData(12, data);

/** SASLInitialResponse; `data` is null when the client waits to be asked for its first message. */
export function decodeSaslInitialResponse(bytes: Buffer): { mechanism: string; data: string | null } {
  expectResponse(bytes);
  const reader = new FieldReader(bytes, 5);
  const mechanism = reader.cstring();
  const size = reader.int32();
  const data = size === -1 ? null : decodeData(reader.bytes(size));
  reader.end();
  return { mechanism, data };
}

export function decodeSaslResponse(bytes: Buffer): string {
  expectResponse(bytes);
  return decodeData(bytes.subarray(5));
}

function expectResponse(bytes: Buffer): void {
  if (bytes[0] !== Frontend.password) throw protocolViolation('expected SASL response');
}

/** SCRAM's messages are strings; one with a NUL byte inside is not what it seems to be. */
function decodeData(data: Buffer): string {
  if (data.includes(0)) throw protocolViolation('malformed SASL message');
  return data.toString('utf8');
}
