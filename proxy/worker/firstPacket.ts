import type { ServerIdentity } from '../tls/identity';
import { protocolViolation } from '../wire/errors';
import { type FirstPacket, readFirstPacket, repeatedRequest } from '../wire/startUp';
import type { Arrival } from './arrival';

type Opening = Exclude<FirstPacket, { kind: 'ssl' | 'gssenc' }>;

/** The first byte of a TLS record that holds a handshake: a client that starts with TLS, without asking. */
const TLS_HANDSHAKE = 0x16;

/**
 * What a client wants, past its requests to encrypt, each of which is answered once (PostgreSQL's ProcessStartupPacket).
 * Null when it left, its handshake failed, or it began with TLS and did not say `postgresql` by ALPN: the last is refused so that no other
 * protocol's client can be made to speak to us.
 */
export async function firstPacket(arrival: Arrival, identity: () => ServerIdentity): Promise<Opening | null> {
  const answered = { ssl: false, gssenc: false };
  if ((await arrival.reader.peek()) === TLS_HANDSHAKE) {
    if (!(await arrival.secure(identity())) || arrival.alpn === null) return null;
    answered.ssl = answered.gssenc = true;
  }
  for (;;) {
    const packet = await arrival.reader.take((bytes) => {
      const found = readFirstPacket(bytes);
      return found === null ? null : { value: found.packet, rest: found.rest };
    });
    if (packet === null) return null;
    switch (packet.kind) {
      case 'ssl':
      case 'gssenc':
        if (answered[packet.kind]) throw repeatedRequest(packet.kind);
        answered[packet.kind] = true;
        // Bytes in front of our answer could have been injected by someone else (CVE-2021-23214).
        if (arrival.reader.buffered > 0) throw unencryptedData(packet.kind);
        if (packet.kind === 'gssenc') {
          arrival.socket.write('N');
          continue;
        }
        arrival.socket.write('S');
        if (!(await arrival.secure(identity()))) return null;
        answered.gssenc = true;
        continue;
      case 'cancel':
      case 'startUp':
        return packet;
      default:
        packet satisfies never;
    }
  }
}

const unencryptedData = (kind: 'ssl' | 'gssenc') =>
  protocolViolation(`received unencrypted data after ${kind === 'ssl' ? 'SSL' : 'GSSAPI encryption'} request`);
