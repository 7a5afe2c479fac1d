import { Backend } from '../wire/messages';

const ONE_COLUMN = Buffer.from([0, 1]);

/** A FunctionCallResponse as the DataRow that a SELECT of the function would answer. */
export function calledRowOf(bytes: Buffer): Buffer {
  const row = Buffer.concat([bytes.subarray(0, 5), ONE_COLUMN, bytes.subarray(5)]);
  row[0] = Backend.dataRow;
  row.writeUInt32BE(row.length - 1, 1);
  return row;
}

/** And back, once it is masked. */
export function calledValueOf(row: Buffer): Buffer {
  const value = Buffer.concat([row.subarray(0, 5), row.subarray(7)]);
  value[0] = Backend.functionCallResponse;
  value.writeUInt32BE(value.length - 1, 1);
  return value;
}
