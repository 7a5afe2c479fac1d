import type { WitnessTarget } from '../../db/schema/auditShapes';
import { type NoteKey, parseNoteKey } from '../tlog/noteKey';
import { fileWitness } from './fileWitness';
import { gitWitness } from './gitWitness';
import { httpWitness } from './httpWitness';
import { s3Witness } from './s3Witness';
import { type Witness, WitnessError } from './witness';

/** The witness that a policy document names. @throws Error that says what is missing */
export function openWitness(target: WitnessTarget, env: Readonly<Record<string, string | undefined>>): Witness {
  switch (target.type) {
    case 'file':
      return fileWitness(target.path);
    case 's3':
      return s3Witness(target, env);
    case 'http':
      return httpWitness({
        url: target.url,
        token: target.token ?? null,
        publicKey: target.publicKey === undefined ? null : keyOf(target.publicKey),
      });
    case 'git':
      return gitWitness({ path: target.path, remote: target.remote ?? null, branch: target.branch ?? null });
    default:
      return target satisfies never;
  }
}

function keyOf(text: string): NoteKey {
  try {
    return parseNoteKey(text);
  } catch (error) {
    throw new WitnessError(`its publicKey is none: ${error instanceof Error ? error.message : ''}`);
  }
}

/** Type and place, without secrets: what it is called while it cannot be opened. */
export function nameOf(target: WitnessTarget): string {
  switch (target.type) {
    case 'file':
    case 'git':
      return `${target.type} ${target.path}`;
    case 's3':
      return `s3 ${target.bucket}`;
    case 'http':
      return `http ${URL.canParse(target.url) ? new URL(target.url).host : ''}`;
    default:
      return target satisfies never;
  }
}
