'use client';
import { usePathname } from 'next/navigation';
import { useSyncExternalStore } from 'react';

const never = () => () => undefined;

/** Whether this page is at the address where passkeys are: they belong to one name, and the page may have been opened by another. */
export function useIsAt(origin: string | null): boolean {
  return useSyncExternalStore(
    never,
    () => window.location.origin === origin,
    () => true,
  );
}

/** Says at which address passkeys are. */
export function Elsewhere({ origin }: { origin: string }) {
  const path = usePathname();
  return (
    <>
      Passkeys belong to one address of this console:{' '}
      <a href={`${origin}${path}`} className="text-accent-text underline underline-offset-4">
        {origin}
      </a>
      . Open it there.
    </>
  );
}
