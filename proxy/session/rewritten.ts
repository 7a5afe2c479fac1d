import { originalPosition, type Spliced } from '../masking/rewrite/splice';
import type { JudgedStatement, Judgement } from '../policy/judge';
import { encodeFieldMap } from '../wire/backend';
import type { ParseMessage } from '../wire/frontend';
import { Frontend } from '../wire/messages';
import { MessageWriter } from '../wire/writer';
import type { Reply } from './replies';

/** The Query that goes to the server: the client's own bytes, or the text that reads masked values. */
export function queryBytes(bytes: Buffer, { forward }: Pick<Judgement, 'forward'>): Buffer {
  return forward === undefined ? bytes : new MessageWriter().begin(Frontend.query).cstring(forward.text).end().take();
}

/** The same of a Parse. */
export function parseBytes(bytes: Buffer, { name, parameterTypes }: ParseMessage, { forward }: Pick<Judgement, 'forward'>): Buffer {
  if (forward === undefined) return bytes;
  const writer = new MessageWriter().begin(Frontend.parse).cstring(name).cstring(forward.text).int16(parameterTypes.length);
  for (const typeOid of parameterTypes) writer.int32(typeOid);
  return writer.end().take();
}

/**
 * Whether what the server was given for a statement is what it would be given now. Where it is not, the masks have changed in between, and
 * the server's own would be the old ones.
 */
export function readsAsBefore(before: JudgedStatement | undefined, now: JudgedStatement | undefined): boolean {
  return before?.rewritten?.reads === now?.rewritten?.reads;
}

/** The text that an answer to this message speaks of, where the server has another than the client; null where both have the same. */
export function splicedBehind(reply: Reply | undefined): Spliced | null {
  switch (reply?.op) {
    case 'query':
      return reply.executions.find(({ judged }) => judged.rewritten !== undefined)?.judged.rewritten?.whole ?? null;
    case 'step':
      return reply.execution.judged.rewritten?.whole ?? null;
    case 'execute':
      return reply.portal?.statement.judgement.forward ?? null;
    case 'describe':
      return (reply.portal?.statement ?? reply.statement)?.judgement.forward ?? null;
    case 'parse':
    case 'bind':
      return reply.spliced;
    default:
      return null;
  }
}

/** An error or notice whose position (field P) is one in the client's text. */
export function repositioned(type: number, bytes: Buffer, fields: ReadonlyMap<string, string>, spliced: Spliced | null): Buffer {
  const position = Number(fields.get('P') ?? Number.NaN);
  if (spliced === null || !Number.isInteger(position)) return bytes;
  return encodeFieldMap(type, new Map([...fields, ['P', String(originalPosition(spliced, position))]]));
}
