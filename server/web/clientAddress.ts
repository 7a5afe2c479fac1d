import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

export interface TrustedProxies {
  has(address: string): boolean;
}

export const NO_PROXIES: TrustedProxies = { has: () => false };

/** Addresses and networks, e.g. `10.0.0.0/8, ::1`. Null: one of them is neither. */
export function parseProxies(text: string): TrustedProxies | null {
  const list = new BlockList();
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue;
    const [address = '', bits, more] = part.split('/');
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    if (version === 0 || more !== undefined || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most))) return null;
    list.addSubnet(address, bits === undefined ? most : Number(bits), version === 4 ? 'ipv4' : 'ipv6');
  }
  return { has: (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4') };
}

const plain = (address: string): string => address.trim().replace(/^::ffff:(?=\d+\.)/, '');

/**
 * Whose request it is: the peer's address, or, where that is a proxy the operator trusts, what the proxies say, read from the right for as long
 * as each is trusted. What a client writes further left counts for nothing. An IPv6 network of 64 bits is one client. Pure.
 */
export function clientAddress(peer: string | undefined, forwardedFor: string | undefined, trusted: TrustedProxies): string {
  let address = plain(peer ?? '');
  const chain = (forwardedFor ?? '').split(',').map(plain).reverse();
  for (const before of chain) {
    if (isIP(address) === 0 || !trusted.has(address) || isIP(before) === 0) break;
    address = before;
  }
  return isIP(address) === 6 ? network64(address) : address;
}

function network64(address: string): string {
  const [left = '', right] = address.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const groups = right === undefined ? head : [...head, ...Array(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

export function addressOf(req: IncomingMessage, trusted: TrustedProxies): string {
  const forwarded = req.headers['x-forwarded-for'];
  return clientAddress(req.socket.remoteAddress, typeof forwarded === 'string' ? forwarded : undefined, trusted);
}
