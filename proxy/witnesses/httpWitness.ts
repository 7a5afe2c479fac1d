import { consistencyProof } from '../tlog/consistency';
import { parseNote, parseSignature, signatureOf, withSignatures } from '../tlog/note';
import type { NoteKey } from '../tlog/noteKey';
import { contradicts, type Publication, type Witness, WitnessError } from './witness';

const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 64 * 1024;

export interface HttpWitnessOptions {
  /** Submission prefix; `/add-checkpoint` is added. */
  url: string;
  /** Sent as a bearer token, where the witness asks for one. */
  token: string | null;
  /** The witness's own key: a signature by another is refused. */
  publicKey: NoteKey | null;
}

/**
 * A witness that verifies, c2sp.org/tlog-witness: it is shown that each checkpoint continues the one it saw last, and signs it with the time.
 * It refuses to sign a log that was cut, forked or rebuilt.
 */
export function httpWitness({ url, token, publicKey }: HttpWitnessOptions): Witness {
  const place = new URL(`${url.replace(/\/+$/, '')}/add-checkpoint`);
  const name = `http ${place.origin}${place.pathname.replace(/\/add-checkpoint$/, '')}`;
  /** What it signed last, as far as it told. */
  let known = 0;

  const post = async (old: number, { checkpoint, hashAt }: Publication): Promise<{ response: Response; text: string }> => {
    const proof = consistencyProof(old, checkpoint.size, hashAt);
    const body = `old ${old}\n${proof.map((hash) => `${hash.toString('base64')}\n`).join('')}\n${checkpoint.source}`;
    const headers = { 'content-type': 'text/plain; charset=utf-8', ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
    try {
      const response = await fetch(place, { method: 'POST', headers, body, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
      return { response, text: await readSome(response) };
    } catch (error) {
      const cause =
        error instanceof Error && error.cause instanceof Error && 'code' in error.cause ? String(error.cause.code) : 'no answer';
      throw new WitnessError(`it does not answer (${cause})`);
    }
  };

  return {
    name,
    async publish(publication) {
      const { checkpoint } = publication;
      const { size } = checkpoint;
      let { response, text } = await post(Math.min(known, size), publication);
      if (response.status === 409 && response.headers.get('content-type')?.split(';')[0]?.trim() === 'text/x.tlog.size') {
        const seen = /^(0|[1-9]\d{0,15})\n$/.exec(text)?.[1];
        if (seen === undefined) throw new WitnessError('it answered 409 without a size');
        known = Number(seen);
        if (known > size) throw contradicts(known, 'it signed a checkpoint about more entries,');
        ({ response, text } = await post(known, publication));
      }
      if (response.status === 422) throw contradicts(known, 'it signed another checkpoint');
      if (response.status === 409) throw contradicts(size, 'it signed another checkpoint');
      if (response.status === 404) throw new WitnessError(`it does not know the log ${checkpoint.origin}: add its public key there`);
      if (response.status === 403)
        throw new WitnessError(`it does not accept the signature of the log ${checkpoint.origin}: its public key there is another`);
      if (!response.ok) throw new WitnessError(`it answered ${response.status}`);
      const lines = readLines(text);
      if (publicKey !== null && signatureOf(parseNote(withSignatures(checkpoint.source, lines)), publicKey) !== 'valid')
        throw new WitnessError('its signature is not that of the key it should have');
      known = size;
      return lines;
    },
  };
}

function readLines(text: string): string[] {
  try {
    const lines = text.split('\n').slice(0, -1);
    if (lines.length === 0 || !text.endsWith('\n')) throw new Error('empty');
    return lines.map((line) => parseSignature(line).line);
  } catch {
    throw new WitnessError('its answer is no signature');
  }
}

async function readSome(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_ANSWER_BYTES) throw new WitnessError('its answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
