import type { Metadata } from 'next';
import { requireViewer } from '../../viewer';
import { Connections } from './connections';

export const metadata: Metadata = { title: 'Connections' };

export default async function ConnectionsPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  await requireViewer('/connections', searchParams);
  return <Connections />;
}
