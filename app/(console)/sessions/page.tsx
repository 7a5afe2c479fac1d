import type { Metadata } from 'next';
import { requireViewer } from '../../viewer';
import { Sessions } from './sessions';

export const metadata: Metadata = { title: 'Sessions' };

export default async function SessionsPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  await requireViewer('/sessions', searchParams);
  return <Sessions />;
}
