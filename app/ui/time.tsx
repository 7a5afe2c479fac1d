'use client';
import { useEffect, useState } from 'react';
import { cx } from './classes';
import { Tooltip } from './tooltip';

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const dayAndClock = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const full = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'long',
  hourCycle: 'h23',
} as Intl.DateTimeFormatOptions);

export const utcText = (at: Date): string => `${at.toISOString().replace('T', ' ').replace('Z', '')} UTC`;

/** The viewer's zone in the text, UTC on hover and on focus. In dense rows the row is the focus stop, so `quiet` keeps the title alone. */
export function Time({
  at,
  as = 'short',
  quiet = false,
  nowMs,
}: {
  at: Date;
  as?: 'short' | 'full' | 'ago';
  quiet?: boolean;
  nowMs?: number;
}) {
  const sameDay = at.toDateString() === new Date().toDateString();
  const text =
    as === 'full' ? full.format(at) : as === 'ago' ? agoText(at, nowMs ?? Date.now()) : (sameDay ? clock : dayAndClock).format(at);
  const utc = utcText(at);
  if (quiet) {
    return (
      <time dateTime={at.toISOString()} title={utc} className="tabular-nums whitespace-nowrap">
        {text}
      </time>
    );
  }
  return (
    <Tooltip content={<span className="tabular-nums">{as === 'ago' ? `${full.format(at)} · ${utc}` : utc}</span>}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: UTC must be readable by keyboard */}
      <time dateTime={at.toISOString()} tabIndex={0} className={cx('tabular-nums rounded-sm', as !== 'full' && 'whitespace-nowrap')}>
        {text}
      </time>
    </Tooltip>
  );
}

/** The current time, ticking; one render a tick for the component that asks. */
export function useNow(everyMs = 1000): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}

/** `840` → `840 ms`, `61000` → `1 min 1 s`. */
export function durationText(durationMs: number): string {
  if (durationMs < 1) return `${durationMs.toFixed(2)} ms`;
  if (durationMs < 10) return `${durationMs.toFixed(1)} ms`;
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 60_000) return `${(durationMs / 1000).toFixed(durationMs < 10_000 ? 1 : 0).replace(/\.0$/, '')} s`;
  const minutes = Math.floor(durationMs / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((durationMs % 60_000) / 1000)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function agoText(at: Date, nowMs: number): string {
  const gone = nowMs - at.getTime();
  if (gone < 2_000) return 'just now';
  if (gone < 60_000) return `${Math.floor(gone / 1000)} s ago`;
  if (gone < 3_600_000) return `${Math.floor(gone / 60_000)} min ago`;
  if (gone < 86_400_000) return `${Math.floor(gone / 3_600_000)} h ago`;
  return `${Math.floor(gone / 86_400_000)} d ago`;
}

/** `754000` → `12:34`. */
export function countdownText(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  const hours = Math.floor(seconds / 3600);
  const pad = (value: number) => String(value).padStart(2, '0');
  return `${hours > 0 ? `${hours}:${pad(Math.floor((seconds % 3600) / 60))}` : Math.floor(seconds / 60)}:${pad(seconds % 60)}`;
}
