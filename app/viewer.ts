import { cookies } from 'next/headers';
import { redirect } from 'next/navigation';
import { sessionActor } from '../server/auth/session';
import { getRuntime } from '../server/runtime';

type SearchParams = Promise<Record<string, string | string[] | undefined>>;

/** Whether this request carries a console session that still holds. */
export async function isSignedIn(): Promise<boolean> {
  const cookie = (await cookies()).toString();
  return (await sessionActor(getRuntime(), { cookie })) !== null;
}

/** First line of every console page: an unsigned visitor goes to /sign-in and comes back here afterwards. Data is guarded by the API itself. */
export async function requireViewer(path: string, searchParams?: SearchParams): Promise<void> {
  if (await isSignedIn()) return;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries((await searchParams) ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) query.append(name, one);
  }
  const here = query.size > 0 ? `${path}?${query}` : path;
  redirect(here === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(here)}`);
}
