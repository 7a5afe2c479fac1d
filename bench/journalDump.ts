import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cutTornTail } from '../proxy/journal/cut';
import { journalDirectory } from '../proxy/journal/places';
import { JOURNAL_START, readJournal } from '../proxy/journal/read';

/**
 * Prints the journals of a data directory whose workers are gone, a JSON object a line: `{ journal, seq, entry }`, or `{ journal, damage }`.
 * Cuts torn tails, as a start does.
 *
 *   node bench/journalDump.mjs DATA_DIRECTORY
 */
const root = journalDirectory(process.argv[2] ?? '.gatehouse');
for (const journal of readdirSync(root).sort()) {
  const directory = join(root, journal);
  cutTornTail(directory);
  for (let position = JOURNAL_START, ended = false; !ended; ) {
    const read = readJournal(directory, position, 4 * 1024 * 1024);
    const lines = [...read.entries.map((one) => ({ journal, ...one })), ...read.damage.map((damage) => ({ journal, damage }))];
    process.stdout.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    // Without its end it would be read for ever.
    if (!read.ended && read.next.segment === position.segment && read.next.offset === position.offset) break;
    position = read.next;
    ended = read.ended;
  }
}
