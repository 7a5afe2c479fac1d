'use client';
import { Toaster as Sonner } from 'sonner';

/** Announcements that do not need an answer; sonner renders them in a live region. */
export const Toaster = () => (
  <Sonner
    position="top-center"
    gap={8}
    toastOptions={{
      classNames: {
        toast: '!bg-raised !text-ink !border !border-line !shadow-pop !rounded-xl !font-sans !text-sm',
        description: '!text-ink-2',
      },
    }}
  />
);
