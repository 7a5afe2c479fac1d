'use client';
import { useQuery } from '@tanstack/react-query';
import { CircleCheckBig } from 'lucide-react';
import { useTRPC } from '../../data/trpc';
import { Card } from '../../ui/card';
import { Empty } from '../../ui/states';
import { durationText } from '../../ui/time';

/** "Nothing waiting. 12 decided today, median wait 41 s." */
export function QueueEmpty() {
  const trpc = useTRPC();
  const stats = useQuery(trpc.approvals.stats.queryOptions()).data;
  return (
    <Card>
      <Empty icon={CircleCheckBig} title="Nothing waiting.">
        {stats === undefined
          ? null
          : `${stats.decidedToday === 0 ? 'None' : stats.decidedToday} decided today${stats.medianWaitMs === null ? '' : `, median wait ${durationText(stats.medianWaitMs)}`}.`}
      </Empty>
    </Card>
  );
}
