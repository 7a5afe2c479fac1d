/** What a row of the explorer can show, in this order; `statement` is always there, since it opens the row. */
export const COLUMNS = [
  { key: 'time', name: 'Time' },
  { key: 'who', name: 'Who' },
  { key: 'connection', name: 'Connection' },
  { key: 'kind', name: 'Kind' },
  { key: 'statement', name: 'Statement' },
  { key: 'rows', name: 'Rows' },
  { key: 'masked', name: 'Masked columns' },
  { key: 'duration', name: 'Duration' },
  { key: 'verdict', name: 'Verdict' },
  { key: 'rule', name: 'Rule' },
  { key: 'sqlstate', name: 'SQLSTATE' },
  { key: 'session', name: 'Session' },
] as const;

export type ColumnKey = (typeof COLUMNS)[number]['key'];

export const DEFAULT_COLUMNS: readonly ColumnKey[] = [
  'time',
  'who',
  'connection',
  'kind',
  'statement',
  'rows',
  'masked',
  'duration',
  'verdict',
];

/** The columns a URL names, in the order of {@link COLUMNS}; names nobody knows are passed over, and none means the default. */
export function columnsOf(names: readonly string[]): ColumnKey[] {
  const chosen = COLUMNS.map(({ key }) => key).filter((key) => names.includes(key) || key === 'statement');
  return names.length === 0 ? [...DEFAULT_COLUMNS] : chosen;
}

/** What the URL keeps: nothing for the default. */
export function columnsText(columns: readonly ColumnKey[]): string[] | null {
  const same = columns.length === DEFAULT_COLUMNS.length && columns.every((key) => DEFAULT_COLUMNS.includes(key));
  return same ? null : [...columns];
}

/** Less room, fewer columns: these go first, in this order, where the statement would have too little. */
const LEAVE_FIRST: readonly ColumnKey[] = ['session', 'kind', 'connection', 'masked', 'duration', 'sqlstate', 'rule'];

const WIDTHS: Record<ColumnKey, number> = {
  time: 108,
  who: 136,
  connection: 104,
  kind: 104,
  statement: 300,
  rows: 72,
  masked: 76,
  duration: 84,
  verdict: 118,
  rule: 140,
  sqlstate: 88,
  session: 130,
};

/** Below this a table says less than two lines a row do. */
export const TABLE_FROM_PX = 620;

/** The columns that fit; what leaves the table stands in the row's second line instead. */
export function fitting(columns: readonly ColumnKey[], widthPx: number): ColumnKey[] {
  const kept = [...columns];
  for (const key of LEAVE_FIRST) {
    if (kept.reduce((sum, one) => sum + WIDTHS[one], 0) <= widthPx) break;
    const at = kept.indexOf(key);
    if (at >= 0) kept.splice(at, 1);
  }
  return kept;
}

export const widthOf = (key: ColumnKey): number | undefined => (key === 'statement' ? undefined : WIDTHS[key]);
