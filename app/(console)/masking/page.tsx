import type { Metadata } from 'next';
import { Suspense } from 'react';
import { SkeletonRows } from '../../ui/states';
import { requireViewer } from '../../viewer';
import { Masking } from './masking';

export const metadata: Metadata = { title: 'Masking' };

export default async function MaskingPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  await requireViewer('/masking', searchParams);
  return (
    <Suspense fallback={<SkeletonRows />}>
      <Masking />
    </Suspense>
  );
}
