import { isIPv4, isIPv6 } from 'node:net';
import type { CellOut } from '../cellOut';

const INET4 = 2;
const INET6 = 3;

/** Appends an address, with or without a prefix length, in the column's format (network_send, src/backend/utils/adt/network.c). */
export function writeInet(value: string, format: number, out: CellOut): boolean {
  const [, address = '', prefix] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(value) ?? [];
  const octets = isIPv4(address) ? address.split('.').map(Number) : isIPv6(address) ? octetsOf(address) : null;
  if (octets === null) return false;
  const bits = prefix === undefined ? octets.length * 8 : Number(prefix);
  if (bits > octets.length * 8) return false;
  if (format === 0) out.text(value);
  else out.append(Buffer.from([octets.length === 4 ? INET4 : INET6, bits, 0, octets.length, ...octets]));
  return true;
}

/** The 16 octets of an IPv6 address (RFC 4291, section 2.2); null for the form that ends as an IPv4 address. */
function octetsOf(address: string): number[] | null {
  if (address.includes('.')) return null;
  const [before = [], after] = address.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - before.length - (after?.length ?? 0);
  const groups = [...before, ...(after === undefined ? [] : [...Array<string>(missing).fill('0'), ...after])];
  return groups.flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}

/** `08:00:2b:01:02:03` */
export function writeMac(value: string, format: number, out: CellOut): boolean {
  if (!/^[\da-f]{2}(?::[\da-f]{2}){5}$/i.test(value)) return false;
  if (format === 0) out.text(value);
  else out.append(Buffer.from(value.replaceAll(':', ''), 'hex'));
  return true;
}
