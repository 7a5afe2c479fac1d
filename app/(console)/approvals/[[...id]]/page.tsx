import type { Metadata } from 'next';
import { requireViewer } from '../../../viewer';
import { Queue } from '../queue';

export const metadata: Metadata = { title: 'Approvals' };

interface Props {
  params: Promise<{ id?: string[] }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

/** /approvals and /approvals/req_…: the same queue; the second has a card open. Opening a link decides nothing. */
export default async function ApprovalsPage({ params, searchParams }: Props) {
  const { id } = await params;
  await requireViewer(id?.[0] ? `/approvals/${encodeURIComponent(id[0])}` : '/approvals', searchParams);
  return <Queue />;
}
