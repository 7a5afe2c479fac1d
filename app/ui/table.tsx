import type { ComponentProps } from 'react';
import { cx } from './classes';
import { Scroll } from './scroll';

/** A table that scrolls sideways inside itself, never the page. */
export function Table({ label, className, children }: { label: string; className?: string; children: React.ReactNode }) {
  return (
    <Scroll label={label} className="rounded-[inherit]">
      <table className={cx('w-full border-collapse text-left text-sm', className)}>{children}</table>
    </Scroll>
  );
}

export const Th = ({ className, ...rest }: ComponentProps<'th'>) => (
  <th
    scope="col"
    className={cx('h-9 whitespace-nowrap border-b px-3 text-xs font-medium text-ink-3 first:pl-4 last:pr-4', className)}
    {...rest}
  />
);
export const Td = ({ className, ...rest }: ComponentProps<'td'>) => (
  <td className={cx('border-b px-3 py-2.5 align-middle first:pl-4 last:pr-4 group-last/row:border-b-0', className)} {...rest} />
);
export const Tr = ({ className, ...rest }: ComponentProps<'tr'>) => (
  <tr
    className={cx('group/row relative transition-colors has-[[data-row]]:hover:bg-hover aria-selected:bg-accent-soft', className)}
    {...rest}
  />
);

/** The link or button that opens a row: its target is the whole row, its name is its own text. */
export const rowTarget =
  'after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-ring text-left';
