import type { LogRecord } from '../record/leaf';
import type { Gap } from './sink';

/** `{"index":12,"leaf":{…}}`: the leaf as it is hashed, byte for byte, so that an inclusion proof holds for what a receiver kept. Pure. */
export const lineOf = ({ index, bytes }: LogRecord): string => `{"index":${index},"leaf":${bytes.toString('utf8')}}`;

/** What stands in place of entries that were skipped. Pure. */
export const gapLine = ({ from, to }: Gap): string => JSON.stringify({ gap: { from, to } });
