import type { Command } from 'commander';
import { verifyCommand } from './auditVerify';
import type { Define } from './run';

/** Commands of `audit` that make proofs, and the one that checks them. */
export function auditProofCommands(audit: Command, define: Define): void {
  verifyCommand(audit, define);
}
