import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import type { OidcProvider } from '../../db/schema/identityShapes';
import { withDeadline } from '../outgoing/deadline';
import { IssuerUnavailable } from './assertion';

/** A document of keys older than this is fetched again before it is used. */
const FRESH_MS = 10 * 60_000;
/** An issuer that is away signs nobody out: its keys are believed this long. A key it took back while it was away is too. */
const STALE_MS = 60 * 60_000;
/** However many tokens name a key that nobody knows, or find the issuer away, it is asked this often. */
const COOLDOWN_MS = 5_000;
/** For discovery and keys together: whoever waits has been told within 3 s. */
const FETCH_MS = 2_000;
const MAX_DOCUMENT_BYTES = 256 * 1_024;
const MAX_KEYS = 100;

type Issuer = Pick<OidcProvider, 'name' | 'issuer' | 'jwksUri'>;
export type KeySet = ReturnType<typeof createLocalJWKSet>;

interface Kept {
  keys: KeySet | null;
  fetchedMs: number;
  triedMs: number;
  /** The last try came to nothing. */
  failed: boolean;
  fetching: Promise<void> | null;
}

export interface IssuerKeys {
  /** The issuer's keys. @throws IssuerUnavailable */
  get(issuer: Issuer): Promise<KeySet>;
  /** The keys again, because a token names one that is not there; null when they were fetched just now. @throws IssuerUnavailable */
  renewed(issuer: Issuer): Promise<KeySet | null>;
  /** Forgets the keys of all other issuers. */
  keepOnly(issuers: readonly Issuer[]): void;
}

/** What this process knows of issuers' keys; many that ask at once make one request. */
export function createIssuerKeys(nowMs: () => number = () => performance.now()): IssuerKeys {
  const kept = new Map<string, Kept>();
  const nameOf = ({ issuer, jwksUri }: Issuer) => JSON.stringify([issuer, jwksUri ?? null]);

  const of = (issuer: Issuer): Kept => {
    const name = nameOf(issuer);
    const never = Number.NEGATIVE_INFINITY;
    const known = kept.get(name) ?? { keys: null, fetchedMs: never, triedMs: never, failed: false, fetching: null };
    kept.set(name, known);
    return known;
  };

  /** Never throws: what it could not fetch is as it was. */
  const fetchOnce = (issuer: Issuer, entry: Kept): Promise<void> => {
    entry.fetching ??= fetchKeys(issuer)
      .then(
        (keys) => {
          entry.keys = keys;
          entry.fetchedMs = nowMs();
          entry.failed = false;
        },
        () => {
          entry.failed = true;
        },
      )
      .finally(() => {
        entry.triedMs = nowMs();
        entry.fetching = null;
      });
    return entry.fetching;
  };
  const mayAsk = (entry: Kept) => entry.fetching !== null || nowMs() - entry.triedMs >= COOLDOWN_MS;

  return {
    async get(issuer) {
      const entry = of(issuer);
      if (nowMs() - entry.fetchedMs >= FRESH_MS && mayAsk(entry)) await fetchOnce(issuer, entry);
      if (entry.keys === null || nowMs() - entry.fetchedMs >= STALE_MS) throw new IssuerUnavailable(issuer.name);
      return entry.keys;
    },
    async renewed(issuer) {
      const entry = of(issuer);
      const asked = mayAsk(entry);
      if (asked) await fetchOnce(issuer, entry);
      // It may have such a key by now.
      if (entry.failed) throw new IssuerUnavailable(issuer.name);
      return asked ? entry.keys : null;
    },
    keepOnly(issuers) {
      const names = new Set(issuers.map(nameOf));
      for (const name of kept.keys()) if (!names.has(name)) kept.delete(name);
    },
  };
}

/** From where the policy says, or where the issuer's own discovery document says. */
function fetchKeys({ issuer, jwksUri }: Issuer): Promise<KeySet> {
  return withDeadline(new AbortController().signal, FETCH_MS, async (signal) => {
    const document = await fetchJson(jwksUri ?? (await discoverKeys(issuer, signal)), signal);
    const keys = document.keys;
    if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw new Error('no key set');
    return createLocalJWKSet({ keys } as JSONWebKeySet);
  });
}

/** OpenID Connect Discovery §4.3: a document that speaks of another issuer is not this one's. */
async function discoverKeys(issuer: string, signal: AbortSignal): Promise<string> {
  const document = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, signal);
  const { issuer: named, jwks_uri: uri } = document;
  if (named !== issuer || typeof uri !== 'string' || !URL.canParse(uri)) throw new Error('not the discovery document of this issuer');
  // Keys that come over a line anybody can write to prove nothing, unless the issuer itself is on this machine.
  const [from, itself] = [new URL(uri), new URL(issuer)];
  if (from.protocol !== 'https:' && !(itself.protocol === 'http:' && from.host === itself.host)) throw new Error('keys without https');
  return uri;
}

async function fetchJson(url: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new Error(`answered ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_DOCUMENT_BYTES) throw new Error('document too large');
    chunks.push(chunk);
  }
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('no object');
  return value as Record<string, unknown>;
}
