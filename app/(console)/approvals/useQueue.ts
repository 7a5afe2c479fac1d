'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTRPC } from '../../data/trpc';
import type { RequestRow } from '../../data/types';
import { useApprovalEvents } from '../../shell/live';
import { mergeQueue } from './merge';

/** The queue as it is shown: rows that hold still, and how many new ones wait behind the banner. */
export function useQueue() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const open = useQuery(trpc.approvals.list.queryOptions({ status: 'open', limit: 200 }));
  const closed = useQuery(trpc.approvals.list.queryOptions({ status: 'decided', limit: 30 }));
  const [shown, setShown] = useState<RequestRow[]>([]);
  const waiting = open.data?.items;
  const decided = closed.data?.items;

  useEffect(() => {
    if (waiting !== undefined) setShown((rows) => mergeQueue(rows, waiting, decided ?? []).rows);
  }, [waiting, decided]);

  useApprovalEvents((event) => {
    setShown((rows) => rows.map((row) => (row.id === event.id ? event.row : row)));
    void queryClient.invalidateQueries({ queryKey: trpc.approvals.list.pathKey() });
  });

  const unseen = mergeQueue(shown, waiting ?? [], decided ?? []).unseen;
  const visible = new Set(shown.map((row) => row.id));
  return {
    waiting: shown,
    decided: (decided ?? []).filter((row) => !visible.has(row.id)),
    unseen: shown.length === 0 ? [] : unseen,
    showNew: () => setShown(waiting ?? []),
    loading: open.isPending,
    error: open.error,
    retry: () => void open.refetch(),
  };
}
