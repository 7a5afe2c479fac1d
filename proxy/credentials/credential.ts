import { UpstreamError } from '../upstream/error';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What signs in upstream, and how long it may be used again. */
export interface Credential {
  /** Null: the connection's own. Vault's database engine makes a role for the lease. */
  username: string | null;
  password: string;
  /** Epoch milliseconds; 0: it is read anew each time. */
  freshUntilMs: number;
}

/** A reference that gives nothing; `what` names it, `hint` says what to do. */
export const unresolved = (what: string, hint: string): UpstreamError =>
  new UpstreamError(`the password of this connection: ${what}`, { hint });
