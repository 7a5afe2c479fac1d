import type { Metadata } from 'next';
import { Suspense } from 'react';
import { SkeletonRows } from '../../ui/states';
import { requireViewer } from '../../viewer';
import { Identity } from './identity';

export const metadata: Metadata = { title: 'Identity' };

export default async function IdentityPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  await requireViewer('/identity', searchParams);
  return (
    <Suspense fallback={<SkeletonRows />}>
      <Identity />
    </Suspense>
  );
}
