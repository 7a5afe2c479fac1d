import type { WitnessTarget } from '../../db/schema/auditShapes';
import { parseNoteKey } from '../tlog/noteKey';
import { fileWitness } from './fileWitness';
import { gitWitness } from './gitWitness';
import { httpWitness } from './httpWitness';
import { readReference } from './references';
import { s3Witness } from './s3Witness';
import type { Witness } from './witness';

/** The witness that a policy document names. @throws Error that says what is missing */
export function openWitness(target: WitnessTarget, env: Readonly<Record<string, string | undefined>>): Witness {
  switch (target.type) {
    case 'file':
      return fileWitness(target.path);
    case 's3': {
      const accessKeyId = readReference(target.accessKeyId, env);
      const secretAccessKey = readReference(target.secretAccessKey, env);
      return s3Witness(
        { ...target, ...(accessKeyId === null ? {} : { accessKeyId }), ...(secretAccessKey === null ? {} : { secretAccessKey }) },
        env,
      );
    }
    case 'http':
      return httpWitness({
        url: target.url,
        token: readReference(target.token, env),
        publicKey: target.publicKey === undefined ? null : parseNoteKey(target.publicKey),
      });
    case 'git':
      return gitWitness({ path: target.path, remote: readReference(target.remote, env), branch: target.branch ?? null });
    default:
      return target satisfies never;
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
