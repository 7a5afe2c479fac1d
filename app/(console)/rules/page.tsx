import type { Metadata } from 'next';
import { Suspense } from 'react';
import { SkeletonRows } from '../../ui/states';
import { requireViewer } from '../../viewer';
import { Rules } from './rules';

export const metadata: Metadata = { title: 'Rules' };

export default async function RulesPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  await requireViewer('/rules', searchParams);
  return (
    <Suspense fallback={<SkeletonRows />}>
      <Rules />
    </Suspense>
  );
}
