import type { Metadata } from 'next';
import { requireViewer } from '../viewer';
import { Overview } from './overview/overview';

export const metadata: Metadata = { title: { absolute: 'Overview · Gatehouse' } };

export default async function OverviewPage() {
  await requireViewer('/');
  return <Overview />;
}
