import type { PrincipalKind } from './shapes';

/** Signature algorithms a JWT may have: none that a shared secret makes, and never `none` (RFC 8725 §3.1, §3.2). */
export const JWT_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const;
export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number];

/** Which principal somebody is. */
export interface PrincipalMapping {
  /** The claim, or SAML attribute, that says it: `email`, `sub`, `repository`. A dot goes into an object: `kubernetes.io.namespace` is tried whole first. */
  claim: string;
  /** By what the claim says; nothing else is let in then, and several subjects may be one principal. Absent: the claim is the principal's name. */
  names?: Record<string, string>;
  /** Taken off the end of what the claim says: `@example.com`. What does not end so is not let in. */
  strip?: string;
  /** Whoever is not known yet becomes a principal of this kind at their first sign-in. Absent: they are refused. */
  create?: PrincipalKind;
}

/** Which groups somebody is in for as long as the provider says so. */
export interface GroupMapping {
  claim: string;
  /** Groups here by what the provider calls them. Absent: by the same name. */
  names?: Record<string, string>;
}

/** How people sign in to the console by OIDC. */
export interface OidcConsole {
  clientId: string;
  /** Beside the settings, never in them. */
  clientSecret?: string;
  scopes?: string[];
  /** On the button; absent: the provider's name. */
  label?: string;
}

export interface OidcProvider {
  type: 'oidc';
  name: string;
  /** Exactly as `iss` says it. */
  issuer: string;
  /** One of these has to be in `aud`. */
  audiences: string[];
  algorithms: JwtAlgorithm[];
  /** Absent: as the issuer's discovery document says. */
  jwksUri?: string;
  clockSkewMs: number;
  principal: PrincipalMapping;
  groups?: GroupMapping;
  /** Claims that have to say one of these. */
  require?: Record<string, string[]>;
  /** Agents, by the `act.sub` or `azp` of a token of the person they act for. */
  agents?: Record<string, string>;
  /** The public client that programs sign people in with: `gatehouse login`, psql. */
  device?: { clientId: string; scopes?: string[] };
  console?: OidcConsole;
}

export interface SamlProvider {
  type: 'saml';
  name: string;
  /** The provider's metadata, as XML. */
  metadata: string;
  label?: string;
  clockSkewMs: number;
  /** Absent: as the provider's metadata asks for (`WantAuthnRequestsSigned`). */
  signRequests?: boolean;
  /** Absent: clear ones are taken too. */
  encryptedAssertions?: 'required';
  principal: PrincipalMapping;
  groups?: GroupMapping;
}

/** A person as a SAML provider names them, with what it has to be asked by. */
export interface SamlNameId {
  value: string;
  format?: string;
  nameQualifier?: string;
  spNameQualifier?: string;
}

/** Somebody who says who people and workloads are. */
export type IdentityProvider = OidcProvider | SamlProvider;

/** What SCIM says of a person beside what we act on. */
export interface ScimUser {
  externalId?: string;
  displayName?: string;
  name?: { givenName?: string; familyName?: string; formatted?: string };
  /** A person who was deactivated stays so whatever the policy document says of them. */
  active: boolean;
  /** Not shown to SCIM any more; the record still speaks of them. */
  deleted?: true;
}

export interface ScimGroup {
  externalId?: string;
  /** As the directory calls it; rules know it by its name. */
  displayName: string;
  /** Not shown to SCIM any more; the policy may still speak of it. */
  deleted?: true;
}

export type TokenKind = 'access' | 'api_key';

/** Who somebody is by a provider's word, as the record keeps it. */
export interface TokenIdentity {
  providerId: string;
  provider: string;
  issuer: string;
  subject: string;
  /** `act.sub`, the nearest first (RFC 8693 §4.1); empty where nobody acts for the subject. */
  actors: string[];
  /** `azp`, or `client_id` (RFC 9068 §2.2): the client that was given the token. */
  client: string | null;
  /** The token's own id, `jti`. */
  tokenId: string | null;
  issuedAt: string | null;
  /** The person an agent acts for here. */
  personId: string | null;
}
