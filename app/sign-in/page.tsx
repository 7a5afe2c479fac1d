import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { Logo } from '../shell/logo';
import { isSignedIn } from '../viewer';
import { callbackPath } from './callback';
import { RedeemLink } from './redeem';

export const metadata: Metadata = { title: 'Sign in' };

interface Props {
  searchParams: Promise<{ link?: string | string[]; next?: string | string[]; callbackUrl?: string | string[] }>;
}

/** Fetching this page changes nothing: a script of it redeems the link by POST, so what only follows links cannot spend it. */
export default async function SignInPage({ searchParams }: Props) {
  const { link, next } = await searchParams;
  const to = callbackPath(next);
  if (typeof link !== 'string' && (await isSignedIn())) redirect(to);
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-10">
      <div className="w-full max-w-md">
        <div className="mb-6 flex items-center gap-3">
          <Logo className="size-9" />
          <div>
            <p className="text-lg font-semibold leading-tight tracking-tight">Gatehouse</p>
            <p className="text-sm text-ink-2">PostgreSQL gateway for agents</p>
          </div>
        </div>
        <RedeemLink link={typeof link === 'string' ? link : null} to={to} />
      </div>
    </main>
  );
}
