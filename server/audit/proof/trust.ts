import { parseCheckpoint, type SignedCheckpoint } from '../../../proxy/tlog/checkpoint';
import { signatureOf, splitNotes } from '../../../proxy/tlog/note';
import { type NoteKey, parseNoteKey } from '../../../proxy/tlog/noteKey';
import type { Header } from './lines';
import type { ReportBuilder } from './report';

/** What whoever verifies brought along; a file cannot speak for itself. */
export interface Kept {
  checkpoints: readonly SignedCheckpoint[];
  publicKey: NoteKey | null;
}

/**
 * Reads a file of kept checkpoints: one signed note, or many one behind the other. What a crash cut short among them is counted.
 * @throws Error that says what is wrong where there is none
 */
export function readKeptCheckpoints(text: string): { checkpoints: SignedCheckpoint[]; unreadable: number } {
  const checkpoints: SignedCheckpoint[] = [];
  let why = 'it is empty';
  let unreadable = 0;
  for (const note of splitNotes(text.replaceAll('\r\n', '\n'))) {
    try {
      checkpoints.push(parseCheckpoint(note));
    } catch (error) {
      why = messageOf(error);
      unreadable++;
    }
  }
  if (checkpoints.length === 0) throw new Error(why);
  return { checkpoints, unreadable };
}

/** Whose log this is, and the kept checkpoints of it. */
export interface Trust {
  origin: string;
  key: NoteKey;
  kept: readonly SignedCheckpoint[];
}

/** Settles which key is believed, and which kept checkpoints this file has to agree with. Null: nothing can be verified. */
export function settleTrust(header: Header, kept: Kept, report: ReportBuilder): Trust | null {
  let key: NoteKey;
  try {
    key = parseNoteKey(header.publicKey);
  } catch (error) {
    report.find('key', { line: 1 }, `The public key in the file is none: ${messageOf(error)}.`);
    if (kept.publicKey === null) return null;
    key = kept.publicKey;
  }
  if (key.type !== 'log' || (kept.publicKey !== null && kept.publicKey.type !== 'log')) {
    report.find('key', { line: 1 }, 'A log signs with a log key, and this is the key of a witness.');
    return null;
  }
  if (kept.publicKey !== null && kept.publicKey.text !== key.text) {
    report.find(
      'key',
      { line: 1 },
      `The file names the public key ${key.text}, not the one you gave: another log, or one rebuilt with another key.`,
    );
    key = kept.publicKey;
  }
  if (header.origin !== key.name)
    report.find(
      'origin',
      { line: 1 },
      `The file says it is of the log ${quoted(header.origin)}, and its key is that of ${quoted(key.name)}.`,
    );
  const origin = key.name;
  const own = kept.checkpoints.filter((checkpoint) => checkpoint.origin === origin);
  for (const other of new Set(kept.checkpoints.map((checkpoint) => checkpoint.origin)))
    if (other !== origin && own.length > 0)
      report.remark('checkpoint of another log', null, `A kept checkpoint is of the log ${quoted(other)} and was not compared.`);
  if (kept.checkpoints.length > 0 && own.length === 0)
    report.find(
      'kept checkpoint',
      {},
      `The checkpoint you kept is of the log ${quoted(kept.checkpoints[0]?.origin ?? '')}, the file is of ${quoted(origin)}.`,
    );
  for (const checkpoint of own) checkKeptSignature(checkpoint, key, report);
  if (kept.checkpoints.length === 0 && kept.publicKey === null)
    report.remark(
      'nothing kept',
      null,
      'Nothing you kept was compared: the file is whole and signed with the key it names itself. That it is the log you knew is shown with --checkpoint or --public-key.',
    );
  return { origin, key, kept: own };
}

function checkKeptSignature(checkpoint: SignedCheckpoint, key: NoteKey, report: ReportBuilder): void {
  const state = signatureOf(checkpoint.note, key);
  if (state === 'valid') return;
  report.find(
    'kept checkpoint',
    {},
    state === 'absent'
      ? `The checkpoint you kept (${checkpoint.size} entries) is not signed by the key of this file: the log was rebuilt with another key.`
      : `The signature of the checkpoint you kept (${checkpoint.size} entries) is not that of the key of this file: one of the two was changed.`,
  );
}

/** Reads the checkpoint a file leads to, and says what is wrong with it. Null: it cannot be read. */
export function readFinal(source: string, trust: Trust, line: number, report: ReportBuilder): SignedCheckpoint | null {
  let checkpoint: SignedCheckpoint;
  try {
    checkpoint = parseCheckpoint(source);
  } catch (error) {
    report.find('signature', { line }, `The last checkpoint is none: ${messageOf(error)}.`);
    return null;
  }
  if (checkpoint.origin !== trust.origin)
    report.find('origin', { line }, `The last checkpoint is of the log ${quoted(checkpoint.origin)}, not of ${quoted(trust.origin)}.`);
  const state = signatureOf(checkpoint.note, trust.key);
  if (state === 'absent') report.find('signature', { line }, 'The last checkpoint is not signed by the key of this log.');
  if (state === 'wrong')
    report.find(
      'signature',
      { line },
      'The signature of the last checkpoint is wrong: the checkpoint, its signature or the key was changed.',
    );
  return checkpoint;
}

/** As text of others may be shown: control characters escaped. */
export const quoted = (text: string): string => JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'it cannot be read');
