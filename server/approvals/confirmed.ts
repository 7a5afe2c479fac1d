import type { ConfirmedBy } from '../../db/schema/shapes';
import type { RelyingParty } from '../passkeys/relyingParty';

/** What a reviewer's passkey signed: the approval of a request as it was then. */
export interface ConfirmedDecision {
  passkey: ConfirmedBy;
  /** Of all that makes it the statement that was shown. */
  digest: string;
}

/** Why an approval is not confirmed as its request asks for; null when it is, or nothing asks for it. Pure. */
export function unconfirmedWords(
  request: { id: string; passkey: boolean; digest: string },
  confirmed: ConfirmedDecision | null,
  relyingParty: () => RelyingParty,
): string | null {
  if (confirmed !== null)
    return confirmed.digest === request.digest ? null : 'the passkey confirmed another statement. Nothing was approved';
  if (!request.passkey) return null;
  const party = relyingParty();
  if (party.state === 'off') return `the rule asks for a passkey, and ${party.why}`;
  return `the rule asks for a passkey: approve it in the console, ${party.origin}/approvals/${request.id}. Rejecting needs none`;
}
