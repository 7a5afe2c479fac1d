'use client';
import { Tabs as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { cx } from './classes';
import { Group } from './scroll';

interface TabsProps<T extends string> {
  value: T;
  onChange: (value: T) => void;
  label: string;
  tabs: readonly { value: T; label: ReactNode }[];
  children: ReactNode;
  className?: string;
}

/** Underlined tabs; the panels are `TabPanel`s. */
export function Tabs<T extends string>({ value, onChange, label, tabs, children, className }: TabsProps<T>) {
  return (
    <Radix.Root value={value} onValueChange={(next) => onChange(next as T)} className={className}>
      <Radix.List aria-label={label} className="mb-4 flex gap-1 overflow-x-auto border-b scroll-quiet">
        {tabs.map((tab) => (
          <Radix.Trigger
            key={tab.value}
            value={tab.value}
            className="-mb-px flex h-10 items-center gap-1.5 whitespace-nowrap border-b-2 border-transparent px-3 text-sm font-medium text-ink-2 transition-colors -outline-offset-2 hover:text-ink data-[state=active]:border-accent data-[state=active]:text-ink max-sm:h-11"
          >
            {tab.label}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {children}
    </Radix.Root>
  );
}

export const TabPanel = Radix.Content;

/** A small switch between two or three views of one thing. */
export function Segments<T extends string>({
  value,
  onChange,
  label,
  options,
  className,
}: {
  value: T;
  onChange: (value: T) => void;
  label: string;
  options: readonly { value: T; label: string }[];
  className?: string;
}) {
  return (
    <Group label={label} className={cx('inline-flex rounded-lg border bg-sunken p-0.5', className)}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChange(option.value)}
          className="h-7 rounded-md px-2.5 text-xs font-medium text-ink-2 transition-colors hover:text-ink aria-pressed:bg-surface aria-pressed:text-ink aria-pressed:shadow-card dark:aria-pressed:bg-line max-sm:h-10 pointer-coarse:min-h-11"
        >
          {option.label}
        </button>
      ))}
    </Group>
  );
}
