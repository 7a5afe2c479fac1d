'use client';
import { Menu, Search, Unplug } from 'lucide-react';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import { useMe } from '../data/me';
import { BrokenBar } from '../integrity/brokenBar';
import { Button } from '../ui/button';
import { Card } from '../ui/card';
import { cx } from '../ui/classes';
import { Page } from '../ui/frame';
import { Kbd } from '../ui/kbd';
import { Sheet } from '../ui/sheet';
import { Empty } from '../ui/states';
import { Time } from '../ui/time';
import { ThemeSwitch, WhoAmI } from './account';
import { LiveProvider, useLive } from './live';
import { Logo } from './logo';
import { NavList, usePages } from './nav';
import { isCurrent, PAGES } from './pages';
import { Palette } from './palette';

/** The frame around every page: a side menu on a desk, a bottom bar on a phone, the command palette on both. */
export function Shell({ children }: { children: ReactNode }) {
  const [palette, setPalette] = useState(false);
  return (
    <LiveProvider>
      <a
        href="#content"
        className="sr-only z-50 rounded-lg bg-accent px-3 py-2 text-on-accent focus:not-sr-only focus:fixed focus:left-3 focus:top-3"
      >
        Skip to content
      </a>
      <div className="lg:grid lg:grid-cols-[15rem_minmax(0,1fr)] print:block">
        <aside className="sticky top-0 hidden h-dvh flex-col px-3 py-4 lg:flex print:hidden">
          <div className="mb-4 flex items-center gap-2.5 px-1.5">
            <Logo className="size-7" />
            <span className="text-base font-semibold tracking-tight">Gatehouse</span>
          </div>
          <button
            type="button"
            onClick={() => setPalette(true)}
            className="mb-3 flex h-8.5 items-center gap-2 rounded-lg border bg-surface px-2.5 text-sm text-ink-3 shadow-card hover:text-ink"
          >
            <Search className="size-4" aria-hidden />
            Go to…
            <span className="ml-auto flex gap-0.5" aria-hidden>
              <Kbd>Ctrl</Kbd>
              <Kbd>K</Kbd>
            </span>
          </button>
          <nav aria-label="Console" className="min-h-0 flex-1 overflow-y-auto p-px scroll-quiet">
            <NavList />
          </nav>
          <div className="grid gap-3 pt-3">
            <ThemeSwitch />
            <WhoAmI />
          </div>
        </aside>
        <main
          id="content"
          tabIndex={-1}
          className="min-w-0 bg-canvas outline-none lg:my-2 lg:mr-2 lg:min-h-[calc(100dvh-1rem)] lg:rounded-2xl lg:border lg:bg-page print:m-0 print:border-0"
        >
          <BrokenBar />
          <LostBar />
          <ForThisRole>{children}</ForThisRole>
        </main>
      </div>
      <BottomBar onSearch={() => setPalette(true)} />
      <Palette open={palette} onOpenChange={setPalette} />
    </LiveProvider>
  );
}

/** Somebody who follows a link to a page of another role is told so once; the API refuses its data in any case. */
function ForThisRole({ children }: { children: ReactNode }) {
  const role = useMe()?.role;
  const pathname = usePathname();
  const page = PAGES.find((one) => isCurrent(pathname, one.href));
  if (role === undefined || page === undefined || page.roles.includes(role)) return children;
  return (
    <Page title={page.name}>
      <Card>
        <Empty icon={page.icon} title={`Your role, ${role}, does not read this page`}>
          It is for {page.roles.join(', ')}. An administrator can change your role.
        </Empty>
      </Card>
    </Page>
  );
}

/** A page that has lost its gateway shows the past; it must not look like the present. */
function LostBar() {
  const { lostSince } = useLive();
  return (
    <div role="status" className="sticky top-0 z-20 empty:hidden lg:rounded-t-2xl lg:overflow-hidden">
      {lostSince === null ? null : (
        <p className="flex items-center gap-2.5 border-b border-hold/40 bg-hold-soft px-4 py-2.5 text-sm font-medium text-hold sm:px-8">
          <Unplug className="size-4 shrink-0" aria-hidden />
          <span>
            The gateway does not answer. This page shows what was known at <Time at={lostSince} quiet /> and comes back by itself.
          </span>
        </p>
      )}
    </div>
  );
}

const BAR = ['/', '/approvals', '/sessions', '/audit'];

function BottomBar({ onSearch }: { onSearch: () => void }) {
  const [open, setOpen] = useState(false);
  const pathname = usePathname();
  const pages = usePages().filter((page) => BAR.includes(page.href));
  const { pending } = useLive();
  const item =
    'relative flex h-14 min-w-0 flex-1 flex-col items-center justify-center gap-0.5 text-[0.6875rem] font-medium text-ink-2 -outline-offset-2 aria-[current=page]:text-accent-text [&_svg]:size-5';
  return (
    <>
      <nav
        aria-label="Console"
        className="fixed inset-x-0 bottom-0 z-30 flex border-t bg-raised pb-[env(safe-area-inset-bottom)] lg:hidden print:hidden"
      >
        {pages.map((page) => (
          <Link key={page.href} href={page.href} className={item} aria-current={isCurrent(pathname, page.href) ? 'page' : undefined}>
            <page.icon aria-hidden />
            {page.name}
            {page.href === '/approvals' && pending ? (
              <span className="absolute left-1/2 top-1 ml-1.5 grid h-4.5 min-w-4.5 place-items-center rounded-full bg-hold-soft px-1 text-[0.6875rem] font-semibold tabular-nums text-hold">
                {pending}
                <span className="sr-only"> waiting</span>
              </span>
            ) : null}
          </Link>
        ))}
        <button type="button" className={cx(item)} onClick={() => setOpen(true)}>
          <Menu aria-hidden />
          Menu
        </button>
      </nav>
      <Sheet open={open} onClose={() => setOpen(false)} title="Menu">
        <div className="grid gap-5">
          <Button
            onClick={() => {
              setOpen(false);
              onSearch();
            }}
          >
            <Search aria-hidden />
            Go to a page or an id
          </Button>
          <nav aria-label="All pages">
            <NavList onNavigate={() => setOpen(false)} />
          </nav>
          <ThemeSwitch />
          <WhoAmI onNavigate={() => setOpen(false)} />
        </div>
      </Sheet>
    </>
  );
}
