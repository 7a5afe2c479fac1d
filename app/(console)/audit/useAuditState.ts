'use client';
import { parseAsBoolean, parseAsString, useQueryStates } from 'nuqs';
import { useMemo } from 'react';
import { useNow } from '../../ui/time';
import { rangeInstants } from './range';

const parsers = {
  tab: parseAsString.withDefault('statements'),
  q: parseAsString.withDefault(''),
  range: parseAsString.withDefault('24h'),
  from: parseAsString,
  to: parseAsString,
  live: parseAsBoolean.withDefault(false),
  stm: parseAsString,
};

/** The audit page's whole state, which is the URL, and the instants its time range means now. */
export function useAuditState() {
  const [state, setState] = useQueryStates(parsers, { history: 'push', clearOnDefault: true });
  const minuteMs = Math.floor(useNow(15_000) / 60_000) * 60_000;
  const { range, from, to } = state;
  const instants = useMemo(() => rangeInstants({ range, from, to }, minuteMs), [range, from, to, minuteMs]);
  return { state, setState, instants };
}

export type AuditState = ReturnType<typeof useAuditState>;
