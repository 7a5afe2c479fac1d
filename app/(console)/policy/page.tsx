import type { Metadata } from 'next';
import { Suspense } from 'react';
import { SkeletonRows } from '../../ui/states';
import { requireViewer } from '../../viewer';
import { PolicyAsCode } from './policyAsCode';

export const metadata: Metadata = { title: 'Policy as code' };

export default async function PolicyAsCodePage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  await requireViewer('/policy', searchParams);
  return (
    <Suspense fallback={<SkeletonRows />}>
      <PolicyAsCode />
    </Suspense>
  );
}
