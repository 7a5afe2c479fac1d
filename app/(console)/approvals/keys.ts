'use client';
import { useEffect, useRef, useSyncExternalStore } from 'react';

const KEY = 'gatehouse.keys';
const CHANGED = 'gatehouse:keys';

const readOn = (): boolean => {
  try {
    return localStorage.getItem(KEY) !== 'off';
  } catch {
    return true;
  }
};

/** Whether single-letter keys act (WCAG 2.1.4 asks that they can be turned off); kept on this device. */
export function useKeysOn(): [boolean, (on: boolean) => void] {
  const on = useSyncExternalStore(
    (changed) => {
      window.addEventListener(CHANGED, changed);
      return () => window.removeEventListener(CHANGED, changed);
    },
    readOn,
    () => true,
  );
  const set = (next: boolean) => {
    try {
      localStorage.setItem(KEY, next ? 'on' : 'off');
    } catch {
      // Without storage the choice cannot be kept.
    }
    window.dispatchEvent(new Event(CHANGED));
  };
  return [on, set];
}

/** Calls the handler of a key unless someone is typing, a dialog is open, or a modifier is held. */
export function useKeys(handlers: Readonly<Record<string, () => void>>, enabled: boolean): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    if (!enabled) return;
    const press = (event: KeyboardEvent) => {
      if (
        event.defaultPrevented ||
        event.metaKey ||
        event.ctrlKey ||
        event.altKey ||
        event.isComposing ||
        (event.repeat === true && event.key.length === 1 && !'jk'.includes(event.key))
      )
        return;
      const target = event.target instanceof HTMLElement ? event.target : null;
      if (
        target?.closest('input:not([type="radio"]), textarea, select, [contenteditable=""], [contenteditable="true"], [role="alertdialog"]')
      )
        return;
      if (event.key === 'Enter' && target?.closest('a, button, summary')) return;
      const handler = latest.current[event.key];
      if (handler === undefined) return;
      event.preventDefault();
      handler();
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [enabled]);
}
