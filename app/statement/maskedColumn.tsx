import { EyeOff } from 'lucide-react';
import Link from 'next/link';
import { cx } from '../ui/classes';

/** `schema.table.column`, which may be long: it breaks rather than push the page wide. */
export const ColumnChip = ({ column, masked = false }: { column: string; masked?: boolean }) => (
  <code
    className={cx(
      'inline-flex min-w-0 items-center gap-1 rounded-md px-1.5 py-0.5 font-mono text-xs break-all [&_svg]:size-3.5 [&_svg]:shrink-0',
      masked ? 'bg-mask-soft text-mask' : 'bg-sunken text-ink-2',
    )}
  >
    {masked ? <EyeOff aria-hidden /> : null}
    {column}
  </code>
);

/** Masked columns, each by its name. */
export const ColumnChips = ({ columns }: { columns: readonly string[] }) => (
  <ul className="flex flex-wrap gap-1.5">
    {columns.map((column) => (
      <li key={column} className="flex min-w-0">
        <ColumnChip column={column} masked />
      </li>
    ))}
  </ul>
);

export const MaskingRuleLink = ({ name }: { name: string }) => (
  <Link
    href={`/masking?rule=${encodeURIComponent(name)}`}
    className="font-mono text-xs font-semibold text-accent-text underline-offset-4 hover:underline"
  >
    {name}
  </Link>
);
