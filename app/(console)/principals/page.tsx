import type { Metadata } from 'next';
import { Suspense } from 'react';
import { SkeletonRows } from '../../ui/states';
import { requireViewer } from '../../viewer';
import { Principals } from './principals';

export const metadata: Metadata = { title: 'Principals' };

export default async function PrincipalsPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  await requireViewer('/principals', searchParams);
  return (
    <Suspense fallback={<SkeletonRows />}>
      <Principals />
    </Suspense>
  );
}
