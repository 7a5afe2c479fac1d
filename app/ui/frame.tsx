import type { ReactNode } from 'react';
import { cx } from './classes';

/** The frame of every page: title, one line about it, what can be done, and the content. */
export function Page({
  title,
  about,
  actions,
  children,
  wide,
}: {
  title: string;
  about?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  wide?: boolean;
}) {
  return (
    <div className={cx('mx-auto w-full px-4 pb-24 pt-5 sm:px-8 sm:pt-8 lg:pb-12', wide ? 'max-w-[100rem]' : 'max-w-6xl')}>
      <header className="mb-5 flex flex-wrap items-end justify-between gap-x-6 gap-y-3 sm:mb-6">
        <div className="min-w-0 flex-1 basis-72">
          <h1 className="text-2xl font-semibold tracking-tight">{title}</h1>
          {about ? <p className="mt-1 max-w-2xl text-sm text-ink-2">{about}</p> : null}
        </div>
        {actions ? <div className="flex flex-wrap items-center gap-2">{actions}</div> : null}
      </header>
      {children}
    </div>
  );
}
