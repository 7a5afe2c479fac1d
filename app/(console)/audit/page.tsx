import type { Metadata } from 'next';
import { requireViewer } from '../../viewer';
import { Audit } from './audit';

export const metadata: Metadata = { title: 'Audit' };

export default async function AuditPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  await requireViewer('/audit', searchParams);
  return <Audit />;
}
