/** What a provider says of somebody, its signature, issuer, audience and times verified. */
export interface Assertion {
  providerId: string;
  provider: string;
  issuer: string;
  /** `sub`, or the SAML NameID. */
  subject: string;
  /** Every claim or attribute. */
  claims: Readonly<Record<string, unknown>>;
  /** `act.sub`, the nearest first (RFC 8693 §4.1). */
  actors: readonly string[];
  /** `azp`, or `client_id` (RFC 9068 §2.2). */
  client: string | null;
  tokenId: string | null;
  issuedAt: Date | null;
  expiresAt: Date | null;
}

/** An identity that does not open this door. Its message says why, for the log and the operator; a client at the proxy hears none of it. */
export class IdentityRefused extends Error {
  override name = 'IdentityRefused';
  /** Whose word it was to be, by name; null where that is not known. */
  provider: string | null = null;
}

/** The provider could not be asked for its keys. The client hears it: nothing it sent is wrong. */
export class IssuerUnavailable extends Error {
  override name = 'IssuerUnavailable';
  constructor(readonly provider: string) {
    super(`identity provider ${provider} cannot be reached for its keys`);
  }
}
