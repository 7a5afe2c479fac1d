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

const PASSWORD = 'the password of this connection';

/**
 * A reference that gives nothing; `what` names it, `hint` says what to do.
 * @param told what a client hears in place of `what`, where that says more than is theirs to know
 */
export const unresolved = (what: string, hint: string, told = what): UpstreamError =>
  new UpstreamError(`${PASSWORD}: ${what}`, { hint, told: `${PASSWORD}: ${told}` });
