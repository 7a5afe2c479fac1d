import type { Role } from '../../db/schema/shapes';
import { ServiceError } from '../errors';
import type { Actor } from './actor';

const ALL: readonly Role[] = ['admin', 'reviewer', 'auditor', 'member'];
const READERS: readonly Role[] = ['admin', 'reviewer', 'auditor'];
const ADMIN: readonly Role[] = ['admin'];

/**
 * Who may do what. `…:own` means that a member may, and sees only what is theirs or their agents' (see scope.ts).
 * Deciding an approval request has further conditions of its own: approvals/mayDecide.ts.
 */
export const PERMISSIONS = {
  'me:read': ALL,
  'overview:own': ALL,
  'connections:own': ALL,
  'connections:write': ADMIN,
  'connections:test': ADMIN,
  'connections:harden': ADMIN,
  'connections:enforcement': READERS,
  'rules:read': READERS,
  'rules:write': ADMIN,
  'masking:read': READERS,
  'masking:write': ADMIN,
  'access:read': READERS,
  'access:write': ADMIN,
  'accessRequests:own': ALL,
  'policy:read': READERS,
  'policy:write': ADMIN,
  'check:own': ALL,
  'approvals:own': ALL,
  'approvals:decide': ['admin', 'reviewer'],
  'sessions:own': ALL,
  'sessions:kill': ADMIN,
  'audit:own': ALL,
  'audit:erase': ADMIN,
  'actions:read': READERS,
  'record:read': READERS,
  'record:export': ['admin', 'auditor'],
  'principals:read': READERS,
  'principals:write': ADMIN,
  'passkeys:own': ALL,
  'localAccounts:own': ALL,
  'tokens:own': ALL,
  'tokens:write': ADMIN,
  'notifications:read': READERS,
  'notifications:write': ADMIN,
  'secrets:rotate': ADMIN,
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof PERMISSIONS;

/** Throws FORBIDDEN in words that say which roles could. The first line of every verb. */
export function demand(actor: Actor, permission: Permission): void {
  if (may(actor, permission)) return;
  throw new ServiceError('FORBIDDEN', `${actor.name} has role ${actor.role}; this needs role ${PERMISSIONS[permission].join(' or ')}`);
}

/** For what is shown to some and not to others. */
export function may(actor: Actor, permission: Permission): boolean {
  const roles: readonly Role[] = PERMISSIONS[permission];
  return roles.includes(actor.role);
}

/** A member sees only what is theirs; every other role sees everything. */
export const seesOnlyOwn = (actor: Actor): boolean => actor.role === 'member';
