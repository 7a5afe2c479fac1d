'use client';
import { useRef, useState } from 'react';
import type { Bucket } from '../data/types';
import { cx } from '../ui/classes';

const SERIES = [
  { key: 'deny', name: 'Denied', fill: 'bg-deny-solid crossed' },
  { key: 'hold', name: 'Held', fill: 'bg-hold-soft hatched ring-1 ring-inset ring-hold-solid' },
  { key: 'allow', name: 'Allowed', fill: 'bg-allow-solid/75' },
] as const;

const label = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

interface HistogramProps {
  buckets: readonly Bucket[];
  /** Dragging over the bars chooses a time range. */
  onBrush?: (from: Date, to: Date) => void;
  className?: string;
}

/** Statements over time, by verdict: each verdict has a colour and a pattern. */
export function Histogram({ buckets, onBrush, className }: HistogramProps) {
  const area = useRef<HTMLDivElement>(null);
  const [brush, setBrush] = useState<{ from: number; to: number } | null>(null);
  const totals = buckets.map((bucket) => bucket.allow + bucket.hold + bucket.deny);
  const peak = Math.max(1, ...totals);
  const sum = (key: 'allow' | 'hold' | 'deny') => buckets.reduce((count, bucket) => count + bucket[key], 0);
  const first = buckets[0];
  const second = buckets[1];
  const last = buckets.at(-1);
  const widthMs = first && second ? second.at.getTime() - first.at.getTime() : 3_600_000;
  const indexAt = (clientX: number): number => {
    const box = area.current?.getBoundingClientRect();
    if (!box || box.width === 0) return 0;
    return Math.min(buckets.length - 1, Math.max(0, Math.floor(((clientX - box.left) / box.width) * buckets.length)));
  };
  const finish = () => {
    if (brush === null) return;
    const from = buckets[Math.min(brush.from, brush.to)];
    const to = buckets[Math.max(brush.from, brush.to)];
    setBrush(null);
    if (from && to) onBrush?.(from.at, new Date(to.at.getTime() + widthMs));
  };
  return (
    <figure className={className}>
      <figcaption className="mb-2.5 flex flex-wrap items-center justify-between gap-x-4 gap-y-1 text-xs text-ink-2">
        <span className="flex flex-wrap gap-x-4 gap-y-1">
          {[...SERIES].reverse().map((series) => (
            <span key={series.key} className="inline-flex items-center gap-1.5 tabular-nums">
              <span aria-hidden className={cx('size-2.5 rounded-[3px]', series.fill)} />
              {series.name} {sum(series.key).toLocaleString()}
            </span>
          ))}
        </span>
        {onBrush ? <span className="text-ink-3 max-sm:hidden">Drag over the bars to zoom</span> : null}
      </figcaption>
      <div
        ref={area}
        role="img"
        aria-label={`${totals.reduce((a, b) => a + b, 0)} statements over time: ${sum('allow')} allowed, ${sum('hold')} held, ${sum('deny')} denied`}
        className={cx('relative flex h-20 items-end gap-[2px] border-b', onBrush && 'cursor-crosshair touch-none select-none')}
        onPointerDown={(event) => {
          if (!onBrush || event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const index = indexAt(event.clientX);
          setBrush({ from: index, to: index });
        }}
        onPointerMove={(event) => brush && setBrush({ ...brush, to: indexAt(event.clientX) })}
        onPointerUp={finish}
        onPointerCancel={() => setBrush(null)}
      >
        {buckets.map((bucket, index) => {
          const total = totals[index] ?? 0;
          return (
            <div
              key={bucket.at.getTime()}
              title={`${label.format(bucket.at)}: ${bucket.allow} allowed, ${bucket.hold} held, ${bucket.deny} denied`}
              className="flex h-full min-w-0 flex-1 flex-col justify-end"
            >
              {total === 0 ? <div className="h-0.5 bg-line" /> : null}
              {SERIES.map((series) =>
                bucket[series.key] > 0 ? (
                  <div
                    key={series.key}
                    className={cx('min-h-[3px] w-full first:rounded-t-[3px]', series.fill)}
                    style={{ height: `${(bucket[series.key] / peak) * 100}%` }}
                  />
                ) : null,
              )}
            </div>
          );
        })}
        {brush && buckets.length > 0 ? (
          <div
            aria-hidden
            className="pointer-events-none absolute inset-y-0 bg-accent/20 ring-1 ring-accent"
            style={{
              left: `${(Math.min(brush.from, brush.to) / buckets.length) * 100}%`,
              width: `${((Math.abs(brush.to - brush.from) + 1) / buckets.length) * 100}%`,
            }}
          />
        ) : null}
      </div>
      {first && last ? (
        <div aria-hidden className="mt-1 flex justify-between text-xs tabular-nums text-ink-3">
          <span>{label.format(first.at)}</span>
          <span>{label.format(last.at)}</span>
        </div>
      ) : null}
    </figure>
  );
}
