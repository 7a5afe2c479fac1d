import { inComment } from '../sql/quote';

/** Lines of comment. What stands in them came through inComment: a line of the text is one of the script. */
export const says = (text: string) =>
  text
    .split('\n')
    .map((line) => (line === '' ? '--' : `-- ${inComment(line)}`))
    .join('\n');

export const heading = (text: string) => `-- ${'-'.repeat(77)}\n${says(text)}`;

/** A statement as a comment; names are on one line each (quote.ts), a server's own text need not be. */
export const commented = (sql: string) =>
  sql
    .split(/[\r\n]/)
    .map((line) => `-- ${line}`)
    .join('\n');
