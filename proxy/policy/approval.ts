import type { ApprovalSpec } from '../../db/schema/shapes';

/** Who approves when nothing says: any reviewer, one of them, within 15 minutes. */
export const DEFAULT_APPROVAL: ApprovalSpec = { groups: [], count: 1, expiresInMs: 15 * 60_000 };

/** With a passkey where any of those that ask for this approval asks for one. Pure. */
export function confirmedFor(approval: ApprovalSpec, asked: readonly (ApprovalSpec | null | undefined)[]): ApprovalSpec {
  return asked.some((spec) => spec?.passkey === 'required') ? { ...approval, passkey: 'required' } : approval;
}
