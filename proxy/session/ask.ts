import { randomBytes } from 'node:crypto';
import { Frontend } from '../wire/messages';
import { MessageWriter } from '../wire/writer';
import type { Session } from './session';

/** Parameters as a client bound them: the part of its Bind behind the names, up to the result formats, and the types its Parse named. */
export interface AskedWith {
  typeOids: readonly number[];
  /** Counts, formats and values, as bytes. */
  values: Buffer;
}

const NO_PARAMETERS: AskedWith = { typeOids: [], values: Buffer.from([0, 0, 0, 0]) };

/**
 * Asks the server something inside the client's own session and transaction, at exactly this place of what it sends: the client sees
 * nothing of it, and no name of ours is left behind. Where the question fails, its error takes the place of the next statement's, and both
 * sides are where PostgreSQL is after a failed statement.
 *
 * @param answered told the one cell of the answer
 */
export function ask(
  session: Session,
  sql: string,
  answered: (cell: string | null) => void,
  { parameters = NO_PARAMETERS, prefix = 0 }: { parameters?: AskedWith; prefix?: number } = {},
): void {
  const name = `gatehouse asks ${randomBytes(9).toString('base64url')}`;
  const writer = new MessageWriter().begin(Frontend.parse).cstring(name).cstring(sql).int16(parameters.typeOids.length);
  for (const oid of parameters.typeOids) writer.int32(oid);
  writer.end();
  writer.begin(Frontend.bind).cstring(name).cstring(name).bytes(parameters.values).int16(0).end();
  // The portal keeps the plan, so that a question which fails leaves no statement behind.
  writer.begin(Frontend.close).int8(0x53).cstring(name).end();
  writer.begin(Frontend.execute).cstring(name).int32(0).end();
  writer.begin(Frontend.close).int8(0x50).cstring(name).end();
  session.protocol.sentAsk({ cell: null, prefix, answered });
  session.toUpstream.append(writer.take());
}

/** What a whole Bind says of its parameters. @throws RangeError where it ends too early; it was decoded before */
export function boundValues(bind: Buffer): Buffer {
  const start = bind.indexOf(0, bind.indexOf(0, 5) + 1) + 1;
  let at = start + 2 + bind.readUInt16BE(start) * 2;
  const count = bind.readUInt16BE(at);
  at += 2;
  for (let i = 0; i < count; i++) at += 4 + Math.max(0, bind.readInt32BE(at));
  return bind.subarray(start, at);
}
