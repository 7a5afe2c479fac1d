'use client';
import { parseAsArrayOf, parseAsBoolean, parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs';
import { useMemo } from 'react';
import { useNow } from '../../ui/time';
import { columnsOf } from './columns';
import { rangeInstants } from './range';

export const SORTS = ['newest', 'oldest', 'slowest', 'largest'] as const;

const parsers = {
  tab: parseAsString.withDefault('statements'),
  q: parseAsString.withDefault(''),
  range: parseAsString.withDefault('24h'),
  from: parseAsString,
  to: parseAsString,
  sort: parseAsStringLiteral(SORTS).withDefault('newest'),
  cols: parseAsArrayOf(parseAsString).withDefault([]),
  live: parseAsBoolean.withDefault(false),
  stm: parseAsString,
};

/** The audit page's whole state, which is the URL, and the instants its time range means now. */
export function useAuditState() {
  const [state, setState] = useQueryStates(parsers, { history: 'push', clearOnDefault: true });
  const minuteMs = Math.floor(useNow(15_000) / 60_000) * 60_000;
  const { range, from, to, cols } = state;
  const instants = useMemo(() => rangeInstants({ range, from, to }, minuteMs), [range, from, to, minuteMs]);
  const columns = useMemo(() => columnsOf(cols), [cols]);
  return { state, setState, instants, columns };
}

export type AuditState = ReturnType<typeof useAuditState>;
