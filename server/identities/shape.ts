import type { IdentityProvider } from '../../db/schema/identityShapes';

export interface ProviderRow {
  id: string;
  name: string;
  type: IdentityProvider['type'];
  /** `iss` of its tokens; null for SAML. */
  issuer: string | null;
  /** What is signed in with it: `proxy`, `console`, `device`. */
  opens: ('proxy' | 'console' | 'device')[];
  principal: IdentityProvider['principal'];
  groupsClaim: string | null;
  agents: number;
  /** Subjects that have signed in, and when one last did. Workloads that the policy lists are not among them. */
  subjects: number;
  lastSeenAt: Date | null;
}

/** Whom a provider's subject is here. */
export interface IdentityRow {
  id: string;
  provider: string;
  subject: string;
  principal: string;
  createdAt: Date;
  lastSeenAt: Date | null;
}
