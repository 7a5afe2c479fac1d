import { hkdfSync } from 'node:crypto';

/** The key of the mask `hash`, from the operator's own: the same in every worker and in the console's samples. */
export const maskHashKey = (secretKey: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', secretKey, Buffer.alloc(0), 'gatehouse mask hash', 32));
