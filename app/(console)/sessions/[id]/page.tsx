import type { Metadata } from 'next';
import { requireViewer } from '../../../viewer';
import { SessionView } from './session';

interface Props {
  params: Promise<{ id: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: `Session ${(await params).id}` };
}

export default async function SessionPage({ params }: Props) {
  const { id } = await params;
  await requireViewer(`/sessions/${encodeURIComponent(id)}`);
  return <SessionView id={id} />;
}
