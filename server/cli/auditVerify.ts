import { readFileSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { type NoteKey, parseNoteKey } from '../../proxy/tlog/noteKey';
import type { Report } from '../audit/proof/report';
import { type Kept, messageOf, readKeptCheckpoints } from '../audit/proof/trust';
import { verifyFile } from '../audit/proof/verifyFile';
import { CliError } from './errors';
import type { Context, Define } from './run';

const PROGRESS_MS = 250;

/** Offline: reads the file and what the customer kept, and nothing else. */
export function verifyCommand(audit: Command, define: Define): void {
  define(
    audit,
    'verify <file>',
    'prove offline that nothing in an export or a proof was changed',
    async (context, [file = ''], options) => {
      const kept: Kept = {
        checkpoints: typeof options.checkpoint === 'string' ? readCheckpoints(options.checkpoint, context) : [],
        publicKey: typeof options.publicKey === 'string' ? readKey(options.publicKey) : null,
      };
      const sizeBytes = sizeOf(file);
      let shownAt = 0;
      const report = await verifyFile(file, kept, (readBytes, again) => {
        const now = Date.now();
        if (now - shownAt < PROGRESS_MS) return;
        shownAt = now;
        context.progress(`${Math.floor((readBytes / Math.max(sizeBytes, 1)) * 100)} % of ${file}${again ? ', again' : ''}`);
      });
      context.progress('');
      if (!report.ok) context.fail();
      context.print(report, textOf(report));
    },
  )
    .option('--checkpoint <file>', 'a checkpoint you kept, or a file of many: the log must contain what it was signed for')
    .option('--public-key <key>', 'the key of the log as you know it: name+hash+base64, or a file that holds it');
}

/** The checkpoints in a file that somebody kept, with a word about what is none. */
export function readCheckpoints(path: string, { warn }: Pick<Context, 'warn'>): Kept['checkpoints'] {
  try {
    const { checkpoints, unreadable } = readKeptCheckpoints(readFileSync(path, 'utf8'));
    if (unreadable > 0) warn(`${path}: ${unreadable} of its notes cannot be read and were not compared`);
    return checkpoints;
  } catch (error) {
    throw new CliError(`${path} is no checkpoint: ${messageOf(error)}`, 2);
  }
}

function readKey(text: string): NoteKey {
  try {
    return parseNoteKey(text.includes('+') ? text : readFileSync(text, 'utf8'));
  } catch (error) {
    throw new CliError(`--public-key: ${messageOf(error)}`, 2);
  }
}

function sizeOf(path: string): number {
  try {
    const found = statSync(path);
    if (found.isFile()) return found.size;
  } catch {
    throw new CliError(`${path} cannot be read`, 2);
  }
  throw new CliError(`${path} is no file`, 2);
}

/** The answer first, then why, then what else is worth knowing. */
function textOf(report: Report): string {
  const lines = [report.ok ? `OK: ${whatHolds(report)}` : 'FAILED: this file does not prove what it should.'];
  for (const { line, message } of report.findings) lines.push(`- ${line === null ? '' : `line ${line}: `}${message}`);
  if (report.moreFindings > 0) lines.push(`- and ${report.moreFindings} more of these.`);
  for (const { message } of report.remarks) lines.push(`note: ${message}`);
  if (report.moreRemarks > 0) lines.push(`note: and ${report.moreRemarks} more notes.`);
  return `${lines.join('\n')}\n`;
}

function whatHolds({ type, entries, origin, from, to, checkpoint, keptMet, values }: Report): string {
  const what =
    type === 'statement'
      ? `${entries} entries of the statement are in the log ${origin}`
      : `entries ${from} to ${to - 1} of the log ${origin} are what was recorded, in order and without a gap`;
  const met =
    keptMet.length === 0 ? '' : `, and begin as the ${keptMet.length === 1 ? 'checkpoint' : `${keptMet.length} checkpoints`} you kept`;
  return `${what}${met}. Signed checkpoint: ${checkpoint?.size ?? 0} entries, root ${checkpoint?.root ?? ''}. ${values} values are the recorded ones.`;
}
