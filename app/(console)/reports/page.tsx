import type { Metadata } from 'next';
import { requireViewer } from '../../viewer';
import { Report } from './report';

export const metadata: Metadata = { title: 'Daily report' };

export default async function ReportsPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  await requireViewer('/reports', searchParams);
  return <Report />;
}
