'use client';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { useMe } from '../data/me';
import { cx } from '../ui/classes';
import { useLive } from './live';
import { type ConsolePage, isCurrent, PAGES, SECTIONS } from './pages';

function PendingCount() {
  const { pending } = useLive();
  if (pending === null || pending === 0) return null;
  return (
    <span className="ml-auto grid h-5 min-w-5 place-items-center rounded-full bg-hold-soft px-1.5 text-xs font-semibold tabular-nums text-hold">
      {pending}
      <span className="sr-only"> waiting</span>
    </span>
  );
}

export function NavLink({ page, onNavigate }: { page: ConsolePage; onNavigate?: () => void }) {
  const current = isCurrent(usePathname(), page.href);
  return (
    <Link
      href={page.href}
      onClick={() => onNavigate?.()}
      aria-current={current ? 'page' : undefined}
      className={cx(
        'flex h-8.5 items-center gap-2.5 rounded-lg px-2.5 text-sm font-medium text-ink-2 transition-colors hover:bg-hover hover:text-ink max-lg:h-11 [&_svg]:size-4 [&_svg]:text-ink-3',
        current && 'bg-surface text-ink shadow-card ring-1 ring-line hover:bg-surface [&_svg]:text-accent-text',
      )}
    >
      <page.icon aria-hidden />
      {page.name}
      {page.href === '/approvals' ? <PendingCount /> : null}
    </Link>
  );
}

/** Pages the signed-in role can use. */
export function usePages(): readonly ConsolePage[] {
  const role = useMe()?.role;
  return role === undefined ? PAGES : PAGES.filter((page) => page.roles.includes(role));
}

export function NavList({ onNavigate }: { onNavigate?: () => void }) {
  const pages = usePages();
  return SECTIONS.map((section) => {
    const own = pages.filter((page) => page.section === section.key);
    if (own.length === 0) return null;
    return (
      <div key={section.key} className="grid gap-0.5">
        {section.name === null ? null : <p className="px-2.5 pb-1 pt-4 text-xs font-medium text-ink-3">{section.name}</p>}
        {own.map((page) => (
          <NavLink key={page.href} page={page} {...(onNavigate ? { onNavigate } : {})} />
        ))}
      </div>
    );
  });
}
