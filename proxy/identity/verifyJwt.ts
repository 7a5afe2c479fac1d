import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { IdentityProvider, OidcProvider } from '../../db/schema/identityShapes';
import { type Assertion, IdentityRefused } from './assertion';
import { claimWords } from './claim';
import { createIssuerKeys, type KeySet } from './issuerKeys';

/** What a password may be. */
export const MAX_JWT_BYTES = 16 * 1_024;
const MAX_SUBJECT_CHARACTERS = 1_024;
/** Whoever acts for somebody who acts for somebody: more is nobody's delegation. */
const MAX_ACTORS = 10;
/** The last time there is in a Date. */
const LAST_MS = 8.64e15;
/** Access tokens, identity tokens, and whatever an issuer signs without saying; never what means something else (RFC 8725 §3.11). */
const TYPES = new Set(['jwt', 'at+jwt']);

export type KnownProvider = IdentityProvider & { id: string };
type KnownOidc = OidcProvider & { id: string };

/** Whether a secret is a JWT rather than a token of ours: three parts of base64url, the first of them a JSON object. Pure. */
export const looksLikeJwt = (secret: string): boolean => /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(secret);

export interface JwtVerifier {
  /**
   * What the provider that issued a JWT says of somebody.
   * @throws IdentityRefused saying why in words that hold nothing of the JWT
   * @throws IssuerUnavailable when its keys cannot be had
   */
  verify(providers: readonly KnownProvider[], jwt: string, now: Date, limits?: { maxBytes: number }): Promise<Assertion>;
}

/** @param nowMs a clock for the age of keys */
export function createJwtVerifier(nowMs?: () => number): JwtVerifier {
  const issuerKeys = createIssuerKeys(nowMs);
  return {
    async verify(providers, jwt, now, { maxBytes } = { maxBytes: MAX_JWT_BYTES }) {
      if (Buffer.byteLength(jwt) > maxBytes) throw new IdentityRefused('the JWT is too large');
      if (jwt.split('.').length === 5) throw new IdentityRefused('the JWT is encrypted');
      if (!looksLikeJwt(jwt)) throw new IdentityRefused('not a JWT');
      const oidc = providers.filter((each) => each.type === 'oidc');
      const provider = providerOf(oidc, jwt);
      issuerKeys.keepOnly(oidc);
      const options = {
        algorithms: provider.algorithms,
        issuer: provider.issuer,
        audience: provider.audiences,
        clockTolerance: provider.clockSkewMs / 1_000,
        currentDate: now,
        requiredClaims: ['exp', 'sub'],
      };
      try {
        const payload = (await signedBy(await issuerKeys.get(provider), jwt, options)) ?? (await renewedly(provider, jwt, options));
        if (payload === null) throw new IdentityRefused('no key of the issuer made its signature');
        return read(provider, payload, now);
      } catch (error) {
        if (error instanceof IdentityRefused) error.provider = provider.name;
        throw error;
      }
    },
  };

  async function renewedly(provider: KnownOidc, jwt: string, options: JWTVerifyOptions): Promise<JWTPayload | null> {
    const keys = await issuerKeys.renewed(provider);
    return keys === null ? null : signedBy(keys, jwt, options);
  }
}

/** Whom a JWT says it is from, before anything is believed of it. */
function providerOf(providers: readonly KnownOidc[], jwt: string): KnownOidc {
  let header: ReturnType<typeof decodeProtectedHeader>;
  let issuer: unknown;
  try {
    header = decodeProtectedHeader(jwt);
    issuer = decodeJwt(jwt).iss;
  } catch {
    throw new IdentityRefused('not a JWT');
  }
  const provider = providers.find((each) => each.issuer === issuer);
  if (provider === undefined) throw new IdentityRefused('no identity provider has its issuer');
  // Where a JWT says its key is (jku, x5u, jwk, x5c) is not looked at: keys are the provider's.
  if (!provider.algorithms.some((algorithm) => algorithm === header.alg)) throw new IdentityRefused('its algorithm is not allowed');
  if (header.crit !== undefined) throw new IdentityRefused('it has a critical header that nobody here knows');
  const type = header.typ;
  if (type !== undefined && !(typeof type === 'string' && TYPES.has(type.toLowerCase().replace(/^application\//, ''))))
    throw new IdentityRefused('its typ is not that of an access or identity token');
  return provider;
}

/** The claims, their signature, times, issuer and audience verified; null when none of these keys is the one it names. */
async function signedBy(keys: KeySet, jwt: string, options: JWTVerifyOptions): Promise<JWTPayload | null> {
  try {
    return (await jwtVerify(jwt, keys, options)).payload;
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return null;
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw new IdentityRefused(whyRefused(error));
    // No kid, and several keys of its kind.
    for await (const key of error) {
      try {
        return (await jwtVerify(jwt, key, options)).payload;
      } catch (other) {
        // Claims are looked at when the signature was right.
        if (other instanceof errors.JWTExpired || other instanceof errors.JWTClaimValidationFailed)
          throw new IdentityRefused(whyRefused(other));
      }
    }
    return null;
  }
}

/** In words of ours: those of a library may quote what the JWT says. */
function whyRefused(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'the JWT has expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    switch (error.claim) {
      case 'nbf':
        return 'the JWT is not valid yet';
      case 'aud':
        return 'the JWT is for another audience';
      case 'sub':
        return 'the JWT has no subject';
      case 'exp':
        return 'the JWT has no time of expiry';
      default:
        return 'a claim of the JWT is not as it has to be';
    }
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature is wrong';
  return 'the JWT could not be verified';
}

/** Pure. */
function read(provider: KnownOidc, payload: JWTPayload, now: Date): Assertion {
  const { sub, exp = 0, iat, jti, ...rest } = payload;
  if (typeof sub !== 'string' || sub === '' || sub.length > MAX_SUBJECT_CHARACTERS) throw new IdentityRefused('the JWT has no subject');
  if (iat !== undefined && !(Number.isFinite(iat) && iat * 1_000 <= now.getTime() + provider.clockSkewMs))
    throw new IdentityRefused('the JWT was issued in the future');
  // A logout token, or another event (RFC 8417): signed by the issuer, for this audience, about this subject, and nobody's right to sign in.
  if (rest.events !== undefined) throw new IdentityRefused('it tells of an event and is no access or identity token');
  for (const [claim, allowed] of Object.entries(provider.require ?? {})) {
    if (!claimWords(payload, claim).some((word) => allowed.includes(word)))
      throw new IdentityRefused(`its claim ${claim} says none of what the provider's require asks for`);
  }
  const { azp, client_id: clientId } = rest;
  return {
    providerId: provider.id,
    provider: provider.name,
    issuer: provider.issuer,
    subject: sub,
    claims: payload,
    actors: actorsOf(rest.act),
    client: typeof azp === 'string' ? azp : typeof clientId === 'string' ? clientId : null,
    tokenId: typeof jti === 'string' ? jti : null,
    issuedAt: iat === undefined ? null : new Date(iat * 1_000),
    // Whoever is let in within the skew has what is left of it.
    expiresAt: new Date(Math.min(LAST_MS, exp * 1_000 > now.getTime() ? exp * 1_000 : exp * 1_000 + provider.clockSkewMs)),
  };
}

/** The nearest first. An actor that cannot be read is not nobody. */
function actorsOf(act: unknown): string[] {
  const actors: string[] = [];
  for (let at = act; at !== undefined; at = (at as { act?: unknown }).act) {
    const sub = typeof at === 'object' && at !== null && 'sub' in at ? at.sub : undefined;
    if (typeof sub !== 'string' || sub === '' || actors.length === MAX_ACTORS) throw new IdentityRefused('its act claim cannot be read');
    actors.push(sub);
  }
  return actors;
}
