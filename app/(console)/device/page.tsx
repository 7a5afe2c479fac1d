import type { Metadata } from 'next';
import { requireViewer } from '../../viewer';
import { DeviceLogin } from './login';

export const metadata: Metadata = { title: 'Sign in a program' };

interface Props {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

/** Opening this page changes nothing: whoever reads what asks says yes by a button. */
export default async function DevicePage({ searchParams }: Props) {
  await requireViewer('/device', searchParams);
  const { code } = await searchParams;
  return <DeviceLogin code={typeof code === 'string' ? code.slice(0, 40) : ''} />;
}
