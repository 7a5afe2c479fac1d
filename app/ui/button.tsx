import { cva, type VariantProps } from 'class-variance-authority';
import { LoaderCircle } from 'lucide-react';
import { Slot } from 'radix-ui';
import type { ComponentProps } from 'react';
import { cx } from './classes';

const button = cva(
  'inline-flex items-center justify-center gap-1.5 whitespace-nowrap rounded-lg font-medium transition-colors select-none disabled:opacity-55 disabled:pointer-events-none aria-disabled:opacity-55 [&_svg]:size-4 [&_svg]:shrink-0 pointer-coarse:min-h-11',
  {
    variants: {
      look: {
        primary: 'bg-accent text-on-accent hover:bg-accent-hover shadow-card',
        secondary: 'bg-surface text-ink border border-line shadow-card hover:bg-hover',
        ghost: 'text-ink-2 hover:bg-hover hover:text-ink',
        approve: 'bg-allow-solid text-on-solid shadow-card hover:brightness-95 dark:hover:brightness-110',
        reject: 'bg-surface text-deny border border-line shadow-card hover:bg-deny-soft hover:border-deny/40',
        danger: 'bg-deny-solid text-on-solid shadow-card hover:brightness-95',
        link: 'text-accent-text underline-offset-4 hover:underline px-0!',
      },
      size: {
        sm: 'h-8 px-2.5 text-sm max-sm:min-h-11',
        md: 'h-9 px-3.5 text-sm max-sm:min-h-11',
        lg: 'h-11 px-5 text-base',
        icon: 'size-8 max-sm:size-11 pointer-coarse:min-w-11',
      },
    },
    defaultVariants: { look: 'secondary', size: 'md' },
  },
);

type ButtonProps = ComponentProps<'button'> & VariantProps<typeof button> & { asChild?: boolean; busy?: boolean };

/** The one button. `busy` keeps its width, shows a spinner and refuses a second press. */
export function Button({ className, look, size, asChild, busy, children, disabled, type, ...rest }: ButtonProps) {
  const classes = cx(button({ look, size }), className);
  if (asChild) {
    return (
      <Slot.Root className={classes} {...rest}>
        {children}
      </Slot.Root>
    );
  }
  return (
    <button className={classes} disabled={disabled || busy} aria-busy={busy || undefined} type={type ?? 'button'} {...rest}>
      {busy ? <LoaderCircle className="animate-spin" aria-hidden /> : null}
      {children}
    </button>
  );
}
