import type { Metadata } from 'next';
import { requireViewer } from '../../viewer';
import { Notifications } from './notifications';

export const metadata: Metadata = { title: 'Notifications' };

export default async function NotificationsPage({
  searchParams,
}: {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}) {
  await requireViewer('/notifications', searchParams);
  return <Notifications />;
}
