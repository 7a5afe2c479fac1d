import { join } from 'node:path';

/** `<dataDir>/journal/<name>/<segment>.log`; a journal's name is its worker's gateway, id, start and process id. */
export const journalDirectory = (dataDir: string) => join(dataDir, 'journal');
export const segmentFile = (segment: number) => `${String(segment).padStart(8, '0')}.log`;
