import { decodeFields, encodeFieldMap } from '../wire/backend';

/** How much of a server message may hold data: nothing touched, masked data touched, or code ran that nobody could read. */
export type Taint = 'none' | 'masked' | 'opaque';

/**
 * Fields that are names or positions, never values. The message itself (M) is data for the classes below; detail, hint,
 * context and the internal query always may be (chapter 54.8).
 */
const NAMES = ['S', 'V', 'C', 'P', 'F', 'L', 'R'];
const OBJECT_NAMES = ['s', 't', 'c', 'd', 'n'];

/** SQLSTATE classes whose message PostgreSQL builds from the statement and the catalog alone. 23: names only; its values are in DETAIL. */
const SAFE_CLASSES = new Set([
  '00',
  '01',
  '02',
  '03',
  '08',
  '0A',
  '23',
  '25',
  '26',
  '28',
  '2D',
  '34',
  '3B',
  '3D',
  '3F',
  '40',
  '42',
  '53',
  '54',
  '55',
  '57',
]);

/**
 * Of these the message names what was looked for. While a statement is analysed that is its own text, and the error says where it stands (P);
 * while it runs it may be a value that was cast to a name.
 */
const POSITIONED_CLASSES = new Set(['0A', '28', '3D', '3F', '42']);
const INSUFFICIENT_PRIVILEGE = '42501';

const FIXED: Readonly<Record<string, string>> = {
  '22001': 'value too long for its type',
  '22003': 'numeric value out of range',
  '22007': 'invalid date or time format',
  '22008': 'date or time out of range',
  '22012': 'division by zero',
  '22P02': 'invalid input syntax',
  P0001: 'exception raised by database code',
};

/**
 * Takes the values out of an ErrorResponse or NoticeResponse of a session that has met masked data.
 * Severity, SQLSTATE and position stay, so that clients behave the same; words that could carry a value do not.
 */
export function scrubFields(type: number, bytes: Buffer, taint: Exclude<Taint, 'none'>): Buffer {
  const fields = decodeFields(bytes);
  const kept = new Map<string, string>();
  const given = fields.get('C') ?? 'XX000';
  // Code nobody read can choose the SQLSTATE itself: only codes PostgreSQL documents as its own survive.
  const sqlstate = taint === 'opaque' && !SAFE_CLASSES.has(given.slice(0, 2)) && FIXED[given] === undefined ? 'P0001' : given;
  for (const code of NAMES) copy(fields, kept, code);
  kept.set('C', sqlstate);
  const readable = taint === 'masked' && SAFE_CLASSES.has(sqlstate.slice(0, 2)) && !spokenByCode(fields) && !namesAValue(fields, sqlstate);
  kept.set(
    'M',
    readable ? (fields.get('M') ?? '') : (FIXED[sqlstate] ?? `message withheld because the transaction uses masked data (${sqlstate})`),
  );
  if (taint === 'masked') for (const code of OBJECT_NAMES) copy(fields, kept, code);
  return encodeFieldMap(type, kept);
}

function namesAValue(fields: ReadonlyMap<string, string>, sqlstate: string): boolean {
  return POSITIONED_CLASSES.has(sqlstate.slice(0, 2)) && sqlstate !== INSUFFICIENT_PRIVILEGE && !fields.has('P');
}

/** RAISE and its like put values into messages of any class; their context names the code that spoke. COPY has a context of its own. */
function spokenByCode(fields: ReadonlyMap<string, string>): boolean {
  const context = fields.get('W');
  return fields.get('R') === 'exec_stmt_raise' || (context !== undefined && !context.startsWith('COPY '));
}

/** The relation a message speaks of, as `table`; its DETAIL may quote a row of it, whatever statement caused it (a cascade, a trigger). */
export function relationOf(bytes: Buffer): string | null {
  return decodeFields(bytes).get('t') ?? null;
}

function copy(from: ReadonlyMap<string, string>, to: Map<string, string>, code: string): void {
  const value = from.get(code);
  if (value !== undefined) to.set(code, value);
}
