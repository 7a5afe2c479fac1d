import type { Metadata } from 'next';
import { requireViewer } from '../../../viewer';
import { Grants } from './grants';

export const metadata: Metadata = { title: 'Grants' };

export default async function GrantsPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  await requireViewer('/approvals/grants', searchParams);
  return <Grants />;
}
