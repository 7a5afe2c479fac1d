'use client';
import { Search } from 'lucide-react';
import { type KeyboardEvent, type Ref, useId, useRef, useState } from 'react';
import type { Facet } from '../../data/types';
import { cx } from '../../ui/classes';
import { Input } from '../../ui/field';
import { accept, type Suggestion, suggest } from './complete';

interface QueryInputProps {
  text: string;
  onText: (text: string) => void;
  /** The search is to be made with this text. */
  onApply: (text: string) => void;
  facets: readonly Facet[];
  invalid: boolean;
  describedBy: string;
  barRef: Ref<HTMLDivElement>;
}

/** The bar with what could be typed under it. Enter searches unless an offer has been chosen with the arrows. */
export function QueryInput({ text, onText, onApply, facets, invalid, describedBy, barRef }: QueryInputProps) {
  const listId = useId();
  const input = useRef<HTMLInputElement>(null);
  const [open, setOpen] = useState(false);
  const [caret, setCaret] = useState(0);
  const [active, setActive] = useState(-1);
  const offers = open ? suggest(text, caret, facets) : [];
  const shown = offers.length > 0;
  const look = () => {
    setCaret(input.current?.selectionStart ?? text.length);
    setActive(-1);
  };
  const take = (offer: Suggestion) => {
    const next = accept(text, offer);
    onText(next.text);
    setCaret(next.caret);
    setActive(-1);
    if (offer.whole) {
      onApply(next.text);
      setOpen(false);
    }
    // The input shows the new text after this render; only then is there a place to put the caret.
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(next.caret, next.caret);
    });
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      if (!shown) return;
      setOpen(false);
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (!open) {
        setOpen(true);
        look();
      }
      const step = event.key === 'ArrowDown' ? 1 : -1;
      if (shown) setActive((active + step + offers.length + (active < 0 && step < 0 ? 1 : 0)) % offers.length);
    } else if ((event.key === 'Enter' || event.key === 'Tab') && active >= 0) {
      const offer = offers[active];
      if (offer === undefined) return;
      take(offer);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div ref={barRef} className="relative min-w-60 flex-1">
      <Search className="pointer-events-none absolute left-3 top-1/2 size-4 -translate-y-1/2 text-ink-3" aria-hidden />
      <Input
        ref={input}
        role="combobox"
        aria-label="Search statements"
        aria-describedby={describedBy}
        aria-invalid={invalid || undefined}
        aria-autocomplete="list"
        aria-expanded={shown}
        aria-controls={listId}
        aria-activedescendant={active >= 0 && shown ? `${listId}-${active}` : undefined}
        value={text}
        onChange={(event) => {
          onText(event.target.value);
          setCaret(event.target.selectionStart ?? event.target.value.length);
          setActive(-1);
          setOpen(true);
        }}
        onClick={() => {
          setOpen(true);
          look();
        }}
        onKeyDown={press}
        onKeyUp={(event) => (event.key === 'ArrowLeft' || event.key === 'ArrowRight' ? look() : undefined)}
        onBlur={() => {
          setOpen(false);
          onApply(text);
        }}
        placeholder="who:support-bot verdict:held table:orders rows:>1000 duration:>1s"
        className="pl-9 font-mono text-[0.8125rem]"
      />
      <div
        id={listId}
        role="listbox"
        aria-label="Words and values"
        className={cx(
          'absolute inset-x-0 top-full z-30 mt-1 max-h-80 overflow-y-auto rounded-lg border bg-raised p-1 shadow-pop animate-pop-in scroll-quiet',
          !shown && 'hidden',
        )}
      >
        {offers.map((offer, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox above holds focus and handles keys for its options
          // biome-ignore lint/a11y/useFocusableInteractive: options of a combobox are pointed at by aria-activedescendant
          <div
            key={offer.label}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === active}
            // Before the input loses focus, which would close the list under the pointer.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => take(offer)}
            className={cx(
              'flex min-h-8 cursor-pointer items-center gap-3 rounded-md px-2.5 text-sm hover:bg-hover pointer-coarse:min-h-11',
              index === active && 'bg-accent-soft',
            )}
          >
            <code className="min-w-0 truncate font-mono text-xs font-semibold">{offer.label}</code>
            <span className="ml-auto min-w-0 truncate text-xs tabular-nums text-ink-3">{offer.about}</span>
          </div>
        ))}
      </div>
    </div>
  );
}
