'use client';
import { CornerDownLeft, Hash, type LucideIcon, Search } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { Dialog } from 'radix-ui';
import { type KeyboardEvent, useEffect, useId, useMemo, useState } from 'react';
import { cx } from '../ui/classes';
import { usePages } from './nav';

interface Entry {
  key: string;
  name: string;
  hint: string;
  href: string;
  icon: LucideIcon;
}

const IDS: readonly { prefix: string; noun: string; href: (id: string) => string }[] = [
  { prefix: 'req_', noun: 'approval request', href: (id) => `/approvals/${id}` },
  { prefix: 'stm_', noun: 'statement', href: (id) => `/audit/${id}` },
  { prefix: 'ses_', noun: 'session', href: (id) => `/sessions/${id}` },
];

/** What the typed text leads to: an id first, then pages, then a search of the audit. */
function useEntries(text: string): Entry[] {
  const pages = usePages();
  return useMemo(() => {
    const typed = text.trim();
    const lower = typed.toLowerCase();
    const entries: Entry[] = [];
    for (const id of IDS)
      if (new RegExp(`^${id.prefix}[0-9a-z]{4,40}$`).test(lower))
        entries.push({ key: id.prefix, name: `Open ${id.noun}`, hint: lower, href: id.href(lower), icon: Hash });
    for (const page of pages)
      if (lower === '' || `${page.name} ${page.words}`.toLowerCase().includes(lower))
        entries.push({ key: page.href, name: page.name, hint: 'Page', href: page.href, icon: page.icon });
    if (typed !== '')
      entries.push({ key: 'audit', name: 'Search the audit', hint: typed, href: `/audit?q=${encodeURIComponent(typed)}`, icon: Search });
    return entries;
  }, [text, pages]);
}

/** Ctrl-K or Cmd-K: jumps to any page and to any id. */
export function Palette({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  useEffect(() => {
    const press = (event: globalThis.KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      onOpenChange(!open);
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [open, onOpenChange]);
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-[60] bg-scrim animate-overlay-in" />
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed inset-x-3 top-[12vh] z-[70] mx-auto max-w-xl overflow-hidden rounded-2xl border bg-raised shadow-pop outline-none animate-pop-in"
        >
          <Dialog.Title className="sr-only">Go to a page or an id</Dialog.Title>
          <PaletteBody close={() => onOpenChange(false)} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function PaletteBody({ close }: { close: () => void }) {
  const router = useRouter();
  const listId = useId();
  const [text, setText] = useState('');
  const [active, setActive] = useState(0);
  const entries = useEntries(text);
  const at = Math.min(active, entries.length - 1);
  const go = (entry: Entry | undefined) => {
    if (entry === undefined) return;
    close();
    router.push(entry.href);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setActive((at + 1) % Math.max(1, entries.length));
    else if (event.key === 'ArrowUp') setActive((at - 1 + entries.length) % Math.max(1, entries.length));
    else if (event.key === 'Enter') go(entries[at]);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <div className="flex items-center gap-2.5 border-b px-4">
        <Search className="size-4 shrink-0 text-ink-3" aria-hidden />
        <input
          role="combobox"
          aria-expanded="true"
          aria-controls={listId}
          aria-activedescendant={entries.length > 0 ? `${listId}-${at}` : undefined}
          aria-label="Page, or an id that begins with req_, stm_ or ses_"
          placeholder="Page, req_…, stm_…, ses_…, or text to find in the audit"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setActive(0);
          }}
          onKeyDown={press}
          spellCheck={false}
          autoComplete="off"
          className="h-13 min-w-0 flex-1 bg-transparent text-base outline-none"
        />
      </div>
      <div role="listbox" id={listId} aria-label="Results" className="max-h-80 overflow-y-auto p-1.5 scroll-quiet">
        {entries.map((entry, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox above holds focus and handles keys for its options
          // biome-ignore lint/a11y/useFocusableInteractive: options of a combobox are pointed at by aria-activedescendant
          <div
            key={entry.key}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === at}
            onClick={() => go(entry)}
            onPointerMove={() => setActive(index)}
            className={cx('flex min-h-11 cursor-pointer items-center gap-3 rounded-lg px-3 text-sm', index === at && 'bg-hover')}
          >
            <entry.icon className="size-4 shrink-0 text-ink-3" aria-hidden />
            <span className="whitespace-nowrap font-medium">{entry.name}</span>
            <span className="min-w-0 flex-1 truncate text-right text-xs text-ink-3">{entry.hint}</span>
            {index === at ? <CornerDownLeft className="size-3.5 shrink-0 text-ink-3" aria-hidden /> : null}
          </div>
        ))}
      </div>
    </>
  );
}
