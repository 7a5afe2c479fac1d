import type { Metadata } from 'next';
import { Suspense } from 'react';
import { SkeletonRows } from '../../../ui/states';
import { requireViewer } from '../../../viewer';
import { AccessRequests } from '../accessRequests';

export const metadata: Metadata = { title: 'Access requests' };

export default async function AccessRequestsPage({
  params,
  searchParams,
}: {
  params: Promise<{ id?: string[] }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}) {
  const id = (await params).id?.[0] ?? null;
  await requireViewer(id === null ? '/access' : `/access/${encodeURIComponent(id)}`, searchParams);
  return (
    <Suspense fallback={<SkeletonRows />}>
      <AccessRequests marked={id} />
    </Suspense>
  );
}
