import { protocolViolation } from './errors';
import { FieldReader } from './reader';

/** The first packet of a connection: it has no type byte and is known by its place, never by its shape. */
export type FirstPacket =
  | { kind: 'ssl' }
  | { kind: 'gssenc' }
  | { kind: 'cancel'; processId: number; secret: Buffer }
  | {
      kind: 'startUp';
      /** Minor version asked for; 0 for protocol 3.0, 2 for 3.2. */
      minorVersion: number;
      /** In the order given; a key given twice keeps its last value, as PostgreSQL does. */
      parameters: ReadonlyMap<string, string>;
      /** `_pq_.` options, none of which we know. */
      protocolOptions: readonly string[];
    };

/** PostgreSQL's own limit on a start-up packet (MAX_STARTUP_PACKET_LENGTH), which does not count the length itself. */
export const MAX_START_UP_BYTES = 10_004;
/** The newest minor version of protocol 3 we speak: 3.2, as PostgreSQL 18. */
export const NEWEST_MINOR = 2;

const SSL_REQUEST = 80877103;
const CANCEL_REQUEST = 80877102;
const GSSENC_REQUEST = 80877104;

/**
 * Takes the first packet off the front of `bytes`; null while it is incomplete.
 * @throws WireError 08P01 for a length outside 8…10,004, 0A000 for a protocol other than 3.
 */
export function readFirstPacket(bytes: Buffer): { packet: FirstPacket; rest: Buffer } | null {
  if (bytes.length < 4) return null;
  const length = bytes.readUInt32BE(0);
  if (length < 8 || length > MAX_START_UP_BYTES) throw protocolViolation('invalid length of startup packet');
  if (bytes.length < length) return null;
  const reader = new FieldReader(bytes.subarray(0, length), 4);
  const rest = bytes.subarray(length);
  const code = reader.uint32();
  if (code === SSL_REQUEST || code === GSSENC_REQUEST) {
    reader.end();
    return { packet: { kind: code === SSL_REQUEST ? 'ssl' : 'gssenc' }, rest };
  }
  if (code === CANCEL_REQUEST) {
    const processId = reader.int32();
    const secret = Buffer.from(reader.bytes(reader.left));
    if (secret.length < 4 || secret.length > 256) throw protocolViolation('invalid length of cancel key');
    return { packet: { kind: 'cancel', processId, secret }, rest };
  }
  const major = code >>> 16;
  if (major !== 3) throw unsupportedProtocol(code);
  const parameters = new Map<string, string>();
  const protocolOptions: string[] = [];
  for (let key = reader.cstring(); key !== ''; key = reader.cstring()) {
    const value = reader.cstring();
    if (key.startsWith('_pq_.')) protocolOptions.push(key);
    else parameters.set(key, value);
  }
  reader.end();
  return { packet: { kind: 'startUp', minorVersion: code & 0xffff, parameters, protocolOptions }, rest };
}

const unsupportedProtocol = (code: number) =>
  protocolViolation(`unsupported frontend protocol ${code >>> 16}.${code & 0xffff}: server supports 3.0 to 3.${NEWEST_MINOR}`, '0A000');

/** A request to encrypt what already is, or was asked for before: PostgreSQL takes it for the version number it then looks like. */
export const repeatedRequest = (kind: 'ssl' | 'gssenc') => unsupportedProtocol(kind === 'ssl' ? SSL_REQUEST : GSSENC_REQUEST);

/** What a session speaks, and the NegotiateProtocolVersion that says so; no answer is needed to a client that asked for just that. */
export function negotiateVersion(request: { minorVersion: number; protocolOptions: readonly string[] }): {
  minorVersion: number;
  answer: { version: number; unknownOptions: readonly string[] } | null;
} {
  const minorVersion = Math.min(request.minorVersion, NEWEST_MINOR);
  const agreed = request.minorVersion <= NEWEST_MINOR && request.protocolOptions.length === 0;
  return { minorVersion, answer: agreed ? null : { version: (3 << 16) | minorVersion, unknownOptions: request.protocolOptions } };
}

/**
 * Splits the `options` start-up parameter as PostgreSQL does (pg_split_opts: white space separates, a backslash escapes)
 * and reads `-c name=value`, `-cname=value` and `--name=value`.
 * @throws WireError 08P01 for any other switch: what we cannot read we cannot vouch for.
 */
export function readOptions(options: string): Map<string, string> {
  const words: string[] = [];
  let word = '';
  let inside = false;
  for (let i = 0; i < options.length; i++) {
    const char = options[i] ?? '';
    if (char === '\\') {
      word += options[++i] ?? '';
      inside = true;
    } else if (/[ \t\n\v\f\r]/.test(char)) {
      if (inside) words.push(word);
      word = '';
      inside = false;
    } else {
      word += char;
      inside = true;
    }
  }
  if (inside) words.push(word);

  const settings = new Map<string, string>();
  for (let i = 0; i < words.length; i++) {
    const current = words[i] ?? '';
    let assignment: string;
    if (current === '-c') assignment = words[++i] ?? '';
    else if (current.startsWith('-c')) assignment = current.slice(2);
    else if (current.startsWith('--')) assignment = current.slice(2);
    else throw protocolViolation(`command-line option "${current}" is not offered in the startup packet`, '0A000');
    const equals = assignment.indexOf('=');
    if (equals < 1) throw protocolViolation('an option in the startup packet has no value', '42601');
    settings.set(assignment.slice(0, equals).trim().toLowerCase().replaceAll('-', '_'), assignment.slice(equals + 1));
  }
  return settings;
}
