import type { RuleMatch } from '../../../db/schema/shapes';
import type { RuleDraft, RuleRow, StatementDetail } from '../../data/types';

/** What the rule editor holds: every condition present, empty meaning "not asked". */
export interface RuleForm {
  name: string;
  connections: string[];
  groups: string[];
  statements: string[];
  effects: string[];
  tables: string[];
  columns: string[];
  functions: string[];
  fingerprints: string[];
  unbounded: boolean;
  /** With `unbounded`: any indexed column is enough. */
  byIndex: boolean;
  opaque: boolean;
  sql: string;
  hoursFrom: string;
  hoursTo: string;
  timeZone: string;
  maxAffectedRows: string;
  action: RuleRow['action'];
  message: string;
  approvers: string[];
  count: string;
  expiresMinutes: string;
  at: 'statement' | 'commit';
  dryRun: boolean;
  /** Each approval is confirmed with a passkey. */
  passkey: boolean;
  breakGlass: string[];
  mode: RuleRow['mode'];
}

export function formOf(row: RuleRow | null): RuleForm {
  const match = row?.match ?? {};
  return {
    name: row?.name ?? '',
    connections: row?.connections ?? [],
    groups: row?.groups ?? [],
    statements: match.statements ?? [],
    effects: match.effects ?? [],
    tables: match.tables ?? [],
    columns: match.columns ?? [],
    functions: match.functions ?? [],
    fingerprints: match.fingerprints ?? [],
    unbounded: match.unbounded ?? false,
    byIndex: match.boundedBy === 'index',
    opaque: match.opaque ?? false,
    sql: match.sql ?? '',
    hoursFrom: match.hours?.from ?? '',
    hoursTo: match.hours?.to ?? '',
    timeZone: match.hours?.timeZone ?? '',
    maxAffectedRows: match.maxAffectedRows === undefined ? '' : String(match.maxAffectedRows),
    action: row?.action ?? 'hold',
    message: row?.message ?? '',
    approvers: row?.approval?.groups ?? [],
    count: String(row?.approval?.count ?? 1),
    at: row?.approval?.at ?? 'statement',
    dryRun: row?.approval?.dryRun ?? false,
    passkey: row?.approval?.passkey === 'required',
    expiresMinutes: String((row?.approval?.expiresInMs ?? 15 * 60_000) / 60_000),
    breakGlass: row?.approval?.breakGlass ?? [],
    mode: row?.mode ?? 'enforce',
  };
}

/** A rule that would have caught this statement, to start from. */
export function formFromStatement(statement: StatementDetail): RuleForm {
  return {
    ...formOf(null),
    name: `review-${statement.kind.toLowerCase().replace(/[^a-z]+/g, '-')}`,
    connections: [statement.connectionName],
    statements: [statement.kind],
    tables: [...new Set(statement.relations.map((relation) => relation.name))],
  };
}

/** The form as the API takes it: only conditions that were given. Effects are typed text here; the API names any it does not know. */
export function draftOf(form: RuleForm, row: RuleRow | null): RuleDraft {
  const lists = {
    statements: form.statements,
    effects: form.effects,
    tables: form.tables,
    columns: form.columns,
    functions: form.functions,
    fingerprints: form.fingerprints,
  };
  const match = {
    ...Object.fromEntries(Object.entries(lists).filter(([, words]) => words.length > 0)),
    ...(form.unbounded ? { unbounded: true, ...(form.byIndex ? { boundedBy: 'index' } : {}) } : {}),
    ...(form.opaque ? { opaque: true } : {}),
    ...(form.sql === '' ? {} : { sql: form.sql }),
    ...(form.hoursFrom === '' && form.hoursTo === ''
      ? {}
      : { hours: { from: form.hoursFrom, to: form.hoursTo, ...(form.timeZone === '' ? {} : { timeZone: form.timeZone }) } }),
    ...(form.maxAffectedRows === '' ? {} : { maxAffectedRows: Number(form.maxAffectedRows) }),
  } as RuleDraft['match'];
  const { at: _at, dryRun: _dryRun, passkey: _passkey, breakGlass: _breakGlass, ...kept } = row?.approval ?? {};
  return {
    ...(row === null ? {} : { id: row.id }),
    name: form.name.trim(),
    connections: form.connections,
    groups: form.groups,
    match,
    action: form.action,
    message: form.message.trim() || null,
    approval:
      form.action === 'hold'
        ? {
            ...kept,
            groups: form.approvers,
            count: Number(form.count),
            expiresInMs: Math.round(Number(form.expiresMinutes) * 60_000),
            // What is not said is the default.
            ...(form.at === 'commit' ? { at: form.at } : {}),
            ...(form.dryRun ? { dryRun: true } : {}),
            ...(form.passkey ? { passkey: 'required' as const } : {}),
            ...(form.breakGlass.length === 0 ? {} : { breakGlass: form.breakGlass }),
          }
        : null,
    mode: form.mode,
  };
}

/** What a rule matches, in words: "DELETE, UPDATE · on public.orders · not bounded by a unique key". */
export function matchText(match: RuleMatch): string {
  const parts = [
    match.statements?.join(', '),
    match.effects && `effects ${match.effects.join(', ')}`,
    match.tables && `on ${match.tables.join(', ')}`,
    match.columns && `columns ${match.columns.join(', ')}`,
    match.functions && `calling ${match.functions.join(', ')}`,
    match.unbounded && (match.boundedBy === 'index' ? 'not bounded by an indexed column' : 'not bounded by a unique key'),
    match.opaque && 'whose effects cannot be known',
    match.sql && `text like /${match.sql}/i`,
    match.fingerprints && `${match.fingerprints.length} exact ${match.fingerprints.length === 1 ? 'shape' : 'shapes'}`,
    match.hours && `between ${match.hours.from} and ${match.hours.to}${match.hours.timeZone ? ` ${match.hours.timeZone}` : ''}`,
    match.maxAffectedRows !== undefined && `changing more than ${match.maxAffectedRows.toLocaleString()} rows`,
  ];
  return parts.filter((part) => typeof part === 'string' && part !== '').join(' · ');
}
