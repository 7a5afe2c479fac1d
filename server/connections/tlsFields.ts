import { z } from 'zod';
import type { TlsMode, TlsNegotiation } from '../../db/schema/shapes';
import { openTlsKey } from '../../proxy/upstream/endpoint';
import { ServiceError } from '../errors';
import { tlsSchema } from '../policy/shapes';
import { keyFits, type Read, readCertificates, readPrivateKey } from './certificates';

/** The bundle of all public authorities is about 220 kB. */
const MAX_PEM = 500_000;

const pem = (read: (text: string) => Read<string>) =>
  z
    .string()
    .max(MAX_PEM)
    .transform((text, context) => {
      const found = read(text);
      if (found.ok) return found.value;
      context.addIssue({ code: 'custom', message: found.message });
      return z.NEVER;
    });

const certificates = pem(readCertificates)
  .nullish()
  .transform((text) => text ?? null);

/** How a connection is secured, as the document and the console both give it. An absent key keeps the stored one. */
export const tlsFields = {
  tls: tlsSchema.default('prefer'),
  tlsNegotiation: z.enum(['postgres', 'direct']).default('postgres'),
  tlsCa: certificates,
  tlsCertificate: certificates,
  tlsKey: pem(readPrivateKey).optional(),
};

interface TlsGiven {
  tls: TlsMode;
  tlsNegotiation: TlsNegotiation;
  tlsCertificate: string | null;
  tlsKey?: string | undefined;
}

/** What of the TLS fields contradicts itself; what the store has to say is {@link keptKeyIssue}'s. */
export function checkTls(
  given: TlsGiven,
  context: { addIssue(issue: { code: 'custom'; path: PropertyKey[]; message: string }): void },
): void {
  const issue = (path: keyof TlsGiven, message: string) => context.addIssue({ code: 'custom', path: [path], message });
  if (given.tlsNegotiation === 'direct' && (given.tls === 'disable' || given.tls === 'prefer'))
    issue('tlsNegotiation', 'direct needs tls require, verify-ca or verify-full');
  if (given.tlsKey === undefined) return;
  if (given.tlsCertificate === null) issue('tlsKey', 'is of no use without tlsCertificate');
  else if (!keyFits(given.tlsCertificate, given.tlsKey)) issue('tlsKey', 'is not the key of tlsCertificate');
}

/** What a connection has in the store, and where it was given for. */
export interface StoredTlsKey {
  id: string;
  host: string;
  port: number;
  tlsKeySealed: string | null;
}

/**
 * Why a connection that is given a certificate and no key cannot keep the stored key; null when it can, or need not. A stored key is for
 * the server it was given for, like a password.
 */
export function keptKeyIssue(
  wanted: { host: string; port: number; tlsCertificate: string | null; tlsKey?: string | undefined },
  stored: StoredTlsKey | undefined,
  secretKey: Buffer,
): { path: 'tlsKey' | 'tlsCertificate'; message: string } | null {
  if (wanted.tlsCertificate === null || wanted.tlsKey !== undefined) return null;
  if (stored === undefined || stored.tlsKeySealed === null) return { path: 'tlsCertificate', message: 'needs its private key in tlsKey' };
  if (stored.host !== wanted.host || stored.port !== wanted.port)
    return { path: 'tlsKey', message: 'give it again, because host or port changed' };
  try {
    if (keyFits(wanted.tlsCertificate, openTlsKey(secretKey, stored.tlsKeySealed, stored.id))) return null;
  } catch {
    return { path: 'tlsKey', message: 'give it again: the stored key cannot be opened' };
  }
  return { path: 'tlsCertificate', message: 'does not belong to the stored key: give tlsKey as well' };
}

/** Throws INVALID at the field where {@link keptKeyIssue} has something to say. */
export function demandTlsKey(...question: Parameters<typeof keptKeyIssue>): void {
  const issue = keptKeyIssue(...question);
  if (issue !== null) throw new ServiceError('INVALID', `${issue.path}: ${issue.message}`, { fields: [issue] });
}
