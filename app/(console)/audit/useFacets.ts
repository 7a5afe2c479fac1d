'use client';
import { useQueries, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTRPC } from '../../data/trpc';
import { termOf, withTerm } from '../../sql/terms';
import type { AuditState } from './useAuditState';

/** Fields whose values are listed and can be exchanged for one another. */
const FIELDS = ['who', 'connection', 'kind', 'table', 'status', 'rule', 'sqlstate', 'app'];

/** What the search finds, by field. A field that is already narrowed shows what it could be narrowed to instead. */
export function useFacets({ state, instants }: AuditState) {
  const trpc = useTRPC();
  const range = { from: instants.from, to: instants.to };
  const options = { staleTime: 15_000, placeholderData: <T>(previous: T | undefined) => previous };
  const base = useQuery(trpc.audit.facets.queryOptions({ q: state.q, ...range }, options));
  const narrowed = FIELDS.filter((field) => termOf(state.q, field) !== null);
  const others = useQueries({
    queries: narrowed.map((field) => trpc.audit.facets.queryOptions({ q: withTerm(state.q, field, null), ...range }, options)),
  });
  const wide = others.map((query) => query.data);
  const facets = useMemo(() => {
    const found = base.data ?? [];
    const exchanged = new Map(narrowed.map((field, index) => [field, wide[index]?.find((facet) => facet.field === field)]));
    return [...new Set([...FIELDS, ...found.map((facet) => facet.field)])]
      .map((field) => exchanged.get(field) ?? found.find((facet) => facet.field === field))
      .filter((facet) => facet !== undefined);
  }, [base.data, narrowed, wide]);
  return { facets, pending: base.isPending, error: base.data === undefined ? base.error : null, retry: () => void base.refetch() };
}
