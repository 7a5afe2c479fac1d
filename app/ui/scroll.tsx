import type { ComponentProps } from 'react';
import { cx } from './classes';

/** A region that scrolls inside itself: named, and reachable by keyboard, or its end could not be read without a pointer. */
export function Scroll({ label, className, ...rest }: ComponentProps<'div'> & { label: string }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a form's semantics
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <div role="group" aria-label={label} tabIndex={0} className={cx('overflow-auto -outline-offset-2 scroll-quiet', className)} {...rest} />
  );
}

/** A few controls that belong together, named for assistive technology. */
export function Group({ label, className, ...rest }: ComponentProps<'div'> & { label: string }) {
  // biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a form's semantics
  return <div role="group" aria-label={label} className={className} {...rest} />;
}
