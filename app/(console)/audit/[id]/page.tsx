import { ArrowLeft } from 'lucide-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import { StatementDetailView } from '../../../statement/detail';
import { Button } from '../../../ui/button';
import { Page } from '../../../ui/frame';
import { requireViewer } from '../../../viewer';

interface Props {
  params: Promise<{ id: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: `Statement ${(await params).id}` };
}

export default async function StatementPage({ params }: Props) {
  const { id } = await params;
  await requireViewer(`/audit/${encodeURIComponent(id)}`);
  return (
    <Page
      title="Statement"
      about={<span className="break-all font-mono text-xs">{id}</span>}
      actions={
        <Button asChild>
          <Link href="/audit">
            <ArrowLeft aria-hidden />
            All statements
          </Link>
        </Button>
      }
    >
      <div className="max-w-3xl">
        <h2 className="sr-only">Record</h2>
        <StatementDetailView id={id} />
      </div>
    </Page>
  );
}
