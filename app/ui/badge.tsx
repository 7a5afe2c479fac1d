import { cva, type VariantProps } from 'class-variance-authority';
import type { ComponentProps } from 'react';
import { cx } from './classes';

const badge = cva(
  'inline-flex items-center gap-1 rounded-md px-1.5 h-5.5 text-xs font-medium whitespace-nowrap [&_svg]:size-3.5 [&_svg]:shrink-0',
  {
    variants: {
      tone: {
        neutral: 'bg-sunken text-ink-2',
        outline: 'border border-line text-ink-2',
        accent: 'bg-accent-soft text-accent-text',
        allow: 'bg-allow-soft text-allow',
        hold: 'bg-hold-soft text-hold',
        deny: 'bg-deny-soft text-deny',
        mask: 'bg-mask-soft text-mask',
      },
    },
    defaultVariants: { tone: 'neutral' },
  },
);

export type Tone = NonNullable<VariantProps<typeof badge>['tone']>;

export function Badge({ tone, className, ...rest }: ComponentProps<'span'> & VariantProps<typeof badge>) {
  return <span className={cx(badge({ tone }), className)} {...rest} />;
}
