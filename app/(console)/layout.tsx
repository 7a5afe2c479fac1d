import type { ReactNode } from 'react';
import { Shell } from '../shell/shell';
import { isSignedIn } from '../viewer';

/** Each page sends unsigned visitors to sign in with its own address (app/viewer.ts); the frame is only for those who are in. */
export default async function ConsoleLayout({ children }: { children: ReactNode }) {
  return (await isSignedIn()) ? <Shell>{children}</Shell> : children;
}
