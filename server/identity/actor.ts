import type { PrincipalKind, Role } from '../../db/schema/shapes';
import type { Store } from '../../db/store';

/** Who makes a console or CLI call. Read anew from the store on every call, so a role taken away is gone at once. */
export interface Actor {
  /** Null for the gateway itself, e.g. the policy applied at first start. */
  id: string | null;
  name: string;
  kind: PrincipalKind;
  role: Role;
  groups: readonly string[];
  via: 'console' | 'cli' | 'slack' | 'system';
}

/** What every domain verb needs: the store, who asks, and the key that seals credentials. */
export interface Call {
  store: Store;
  actor: Actor;
  secretKey: Buffer;
  /** Tells the browser's console session from others of the same person; absent for a token. */
  browser?: string;
  /** The sign-on at a provider that the console session rests on. */
  signOn?: string;
}

/** The gateway acting for itself at start-up. */
export const systemActor: Actor = { id: null, name: 'gatehouse', kind: 'service', role: 'admin', groups: [], via: 'system' };
