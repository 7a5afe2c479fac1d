import type { Metadata } from 'next';
import { Page } from '../../ui/frame';
import { requireViewer } from '../../viewer';
import { Passkeys } from './passkeys';
import { Password } from './password';

export const metadata: Metadata = { title: 'Your account' };

interface Props {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export default async function AccountPage({ searchParams }: Props) {
  await requireViewer('/account', searchParams);
  return (
    <Page
      title="Your account"
      about="How you prove who you are. Nobody else can change it for you here; an administrator can take it away."
    >
      <div className="grid gap-6">
        <Passkeys />
        <Password />
      </div>
    </Page>
  );
}
