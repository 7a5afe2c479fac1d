import { child, flag, list, names, type SqlNode, text } from '../../sql/tree';

/** How COPY … TO STDOUT writes its rows. Delimiter, quote and escape are single ASCII bytes; the NULL string is UTF-8. */
export type CopyOptions =
  | { format: 'text'; delimiter: number; nullString: Buffer; header: boolean }
  | {
      format: 'csv';
      delimiter: number;
      nullString: Buffer;
      header: boolean;
      quote: number;
      escape: number;
      /** The columns whose values are always quoted, by name; `*` for all. */
      forceQuote: '*' | readonly string[];
    }
  | { format: 'binary' };

export type CopyOptionsAnswer = { state: 'known'; options: CopyOptions } | { state: 'unknown'; problem: string };

/** A problem in words, while the options are read. */
class Problem extends Error {}

/** Options that change nothing about what COPY TO writes, whether a server refuses or ignores them there. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  ...['freeze', 'force_not_null', 'force_null', 'default', 'on_error', 'reject_limit', 'log_verbosity'],
]);
const WITH_EFFECT: ReadonlySet<string> = new Set([
  ...['format', 'delimiter', 'null', 'header', 'quote', 'escape', 'force_quote', 'encoding'],
]);

/**
 * The options of a CopyStmt in any of its spellings, with the defaults of its format (PostgreSQL 18, COPY; ProcessCopyOptions in copy.c).
 * What PostgreSQL would refuse, what this does not know, and what cannot be followed byte by byte is a problem, a sentence for DETAIL.
 */
export function copyOptionsOf(node: SqlNode): CopyOptionsAnswer {
  try {
    return { state: 'known', options: read(node) };
  } catch (error) {
    if (error instanceof Problem) return { state: 'unknown', problem: error.message };
    throw error;
  }
}

function read(node: SqlNode): CopyOptions {
  if (node.tag !== 'CopyStmt' || flag(node, 'is_from') || flag(node, 'is_program') || text(node, 'filename') !== null) {
    throw new Problem('Only COPY … TO STDOUT can be masked.');
  }
  const given = new Map<string, SqlNode>();
  for (const option of list(node, 'options')) {
    const name = text(option, 'defname') ?? '';
    if (option.tag !== 'DefElem' || !(WITH_EFFECT.has(name) || WITHOUT_EFFECT.has(name))) {
      throw new Problem(`The COPY option "${name}" is not known.`);
    }
    if (given.has(name)) throw new Problem(`The COPY option "${name}" is given twice.`);
    given.set(name, option);
  }
  const encoding = given.get('encoding');
  if (encoding !== undefined && !isUtf8(stringOf(encoding))) throw new Problem('COPY with an ENCODING other than UTF8 cannot be masked.');
  const format = given.get('format');
  switch (format === undefined ? 'text' : stringOf(format)) {
    case 'text':
      return textOptions(given);
    case 'csv':
      return csvOptions(given);
    case 'binary':
      allow(given, 'BINARY', ['format', 'encoding', 'header']);
      if (isOn(given.get('header'))) throw new Problem('COPY in binary format has no header line.');
      return { format: 'binary' };
    default:
      throw new Problem('The COPY format is not known; text, csv and binary are.');
  }
}

function allow(given: ReadonlyMap<string, SqlNode>, format: string, allowed: readonly string[]): void {
  for (const name of given.keys()) {
    if (WITH_EFFECT.has(name) && !allowed.includes(name)) throw new Problem(`The COPY option "${name}" does not go with format ${format}.`);
  }
}

function textOptions(given: ReadonlyMap<string, SqlNode>): CopyOptions {
  allow(given, 'TEXT', ['format', 'encoding', 'delimiter', 'null', 'header']);
  const delimiter = byteOf(given, 'delimiter', '\t');
  if (/[\\.a-z0-9\r\n]/.test(String.fromCharCode(delimiter))) throw new Problem('COPY in text format cannot have this delimiter.');
  const nullString = nullOf(given, '\\N', [delimiter]);
  // It would escape the delimiter or the line end behind it.
  if (/(^|[^\\])(\\\\)*\\$/.test(nullString.toString('latin1')))
    throw new Problem('The NULL string of a masked COPY cannot end in a backslash.');
  return { format: 'text', delimiter, nullString, header: isOn(given.get('header')) };
}

function csvOptions(given: ReadonlyMap<string, SqlNode>): CopyOptions {
  const delimiter = byteOf(given, 'delimiter', ',');
  const quote = byteOf(given, 'quote', '"');
  const escaper = byteOf(given, 'escape', String.fromCharCode(quote));
  // PostgreSQL lets quote and escape be a line end; rows could then not be told apart.
  for (const byte of [delimiter, quote, escaper]) {
    if (byte === 0x0a || byte === 0x0d) throw new Problem('DELIMITER, QUOTE and ESCAPE of a masked COPY cannot be a line end.');
  }
  if (delimiter === quote) throw new Problem('DELIMITER and QUOTE of COPY must differ.');
  const nullString = nullOf(given, '', [delimiter, quote]);
  const forceQuote = forcedOf(given.get('force_quote'));
  return { format: 'csv', delimiter, nullString, header: isOn(given.get('header')), quote, escape: escaper, forceQuote };
}

/** As defGetString gives an option's value (src/backend/commands/define.c). */
function stringOf(option: SqlNode): string {
  const value = child(option, 'arg');
  switch (value?.tag) {
    case 'String':
      return text(value, 'sval') ?? '';
    case 'Integer':
      return String(value.ival ?? 0);
    case 'Float':
      return text(value, 'fval') ?? '';
    case 'Boolean':
      return flag(value, 'boolval') ? 'true' : 'false';
    case 'A_Star':
      return '*';
    default:
      throw new Problem(`The COPY option "${text(option, 'defname') ?? ''}" needs a plain value.`);
  }
}

/** As defGetBoolean reads it, and nothing more: a header that is not there would let the first row pass as one. */
function isOn(option: SqlNode | undefined): boolean {
  if (option === undefined) return false;
  const value = child(option, 'arg');
  if (value === null) return true;
  const word = stringOf(option).toLowerCase();
  const integer = value.tag === 'Integer';
  if (integer ? word === '1' : word === 'true' || word === 'on') return true;
  if (integer ? word === '0' : word === 'false' || word === 'off') return false;
  throw new Problem('HEADER of COPY … TO must be true or false.');
}

/** A character of more than one byte would be sent in the encoding of the server's database. */
function byteOf(given: ReadonlyMap<string, SqlNode>, name: string, otherwise: string): number {
  const option = given.get(name);
  const value = option === undefined ? otherwise : stringOf(option);
  const code = value.charCodeAt(0);
  if (value.length !== 1 || code === 0 || code > 0x7f) throw new Problem(`${name.toUpperCase()} of COPY must be a single ASCII character.`);
  return code;
}

function nullOf(given: ReadonlyMap<string, SqlNode>, otherwise: string, forbidden: readonly number[]): Buffer {
  const option = given.get('null');
  const value = Buffer.from(option === undefined ? otherwise : stringOf(option));
  if ([...forbidden, 0x0a, 0x0d].some((byte) => value.includes(byte))) {
    throw new Problem('The NULL string of COPY cannot hold a delimiter, quote or line end.');
  }
  return value;
}

function forcedOf(option: SqlNode | undefined): '*' | readonly string[] {
  if (option === undefined) return [];
  const value = child(option, 'arg');
  if (value?.tag === 'A_Star') return '*';
  const columns = names(list(value, 'items'));
  if (value?.tag !== 'List' || columns.length !== list(value, 'items').length) {
    throw new Problem('FORCE_QUOTE of COPY needs a list of column names.');
  }
  return columns;
}

/** pg_char_to_encoding ignores case and whatever is no letter or digit (src/common/encnames.c). */
function isUtf8(name: string): boolean {
  return ['utf8', 'unicode'].includes(name.replace(/[^A-Za-z0-9]/g, '').toLowerCase());
}
