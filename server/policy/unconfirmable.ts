import type { ApprovalSpec, Mode } from '../../db/schema/shapes';
import { relyingPartyOf } from '../passkeys/relyingParty';

interface AskingRule {
  name: string;
  mode: Mode;
  approval: ApprovalSpec | null;
}

/**
 * What to say of rules that ask for a passkey where no browser takes one at the console's address: nobody can approve what they hold. Pure.
 *
 * @param consoleUrl null where there is no console
 */
export function unconfirmable(rules: readonly AskingRule[], consoleUrl: string | null): string[] {
  const party = consoleUrl === null ? null : relyingPartyOf(consoleUrl);
  if (party?.state !== 'off') return [];
  return rules
    .filter(({ mode, approval }) => mode !== 'off' && approval?.passkey === 'required')
    .map(({ name }) => `rule ${name} asks for a passkey, and nobody can use one here, so what it holds cannot be approved: ${party.why}`);
}
