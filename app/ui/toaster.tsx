'use client';
import { Toaster as Sonner } from 'sonner';
import { useMedia } from './media';

/**
 * Announcements that do not need an answer; sonner renders them in a live region. On a desk they stand over the side menu, where they
 * cover neither a title nor a decision; on a phone the decisions are at the bottom, so they come from the top.
 */
export function Toaster() {
  const wide = useMedia('(min-width: 64rem)');
  return (
    <Sonner
      position={wide ? 'bottom-left' : 'top-center'}
      gap={8}
      toastOptions={{
        classNames: {
          toast: '!bg-raised !text-ink !border !border-line !shadow-pop !rounded-xl !font-sans !text-sm',
          description: '!text-ink-2',
        },
      }}
    />
  );
}
