'use client';
import { type KeyboardEvent, type ReactNode, useRef, useState } from 'react';
import type { Bucket } from '../data/types';
import { cx } from '../ui/classes';

const SERIES = [
  { key: 'deny', name: 'Denied', fill: 'bg-deny-solid crossed' },
  { key: 'hold', name: 'Held', fill: 'bg-hold-soft hatched ring-1 ring-inset ring-hold-solid' },
  { key: 'allow', name: 'Allowed', fill: 'bg-allow-solid/75' },
] as const;

const label = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

/** Buckets from one to another; `from` is where it began, `to` where the pointer or the keys are. */
interface Brush {
  from: number;
  to: number;
}

interface HistogramProps {
  buckets: readonly Bucket[];
  /** Dragging over the bars, or arrows and Enter, chooses a time range. */
  onBrush?: (from: Date, to: Date) => void;
  actions?: ReactNode;
  className?: string;
}

/** Statements over time, by verdict: each verdict has a colour and a pattern. */
export function Histogram({ buckets, onBrush, actions, className }: HistogramProps) {
  const sum = (key: 'allow' | 'hold' | 'deny') => buckets.reduce((count, bucket) => count + bucket[key], 0);
  const first = buckets[0];
  const last = buckets.at(-1);
  const words = `${(sum('allow') + sum('hold') + sum('deny')).toLocaleString()} statements over time: ${sum('allow')} allowed, ${sum('hold')} held, ${sum('deny')} denied`;
  return (
    <figure className={className}>
      <figcaption className="mb-2.5 flex min-h-8 flex-wrap items-center justify-between gap-x-4 gap-y-1 text-xs text-ink-2">
        <span className="flex flex-wrap gap-x-4 gap-y-1">
          {[...SERIES].reverse().map((series) => (
            <span key={series.key} className="inline-flex items-center gap-1.5 tabular-nums">
              <span aria-hidden className={cx('size-2.5 rounded-[3px]', series.fill)} />
              {series.name} {sum(series.key).toLocaleString()}
            </span>
          ))}
        </span>
        {actions ?? (onBrush ? <span className="text-ink-3 max-sm:hidden">Drag, or arrows with Shift and Enter, to zoom</span> : null)}
      </figcaption>
      {onBrush && buckets.length > 1 ? (
        <Brushable buckets={buckets} words={words} onBrush={onBrush} />
      ) : (
        <div role="img" aria-label={words} className="flex h-20 items-end gap-[2px] border-b">
          <Bars buckets={buckets} />
        </div>
      )}
      {first && last ? (
        <div aria-hidden className="mt-1 flex justify-between text-xs tabular-nums text-ink-3">
          <span>{label.format(first.at)}</span>
          <span>{label.format(last.at)}</span>
        </div>
      ) : null}
    </figure>
  );
}

const bucketText = (bucket: Bucket): string =>
  `${label.format(bucket.at)}: ${bucket.allow} allowed, ${bucket.hold} held, ${bucket.deny} denied`;

function Brushable({ buckets, words, onBrush }: { buckets: readonly Bucket[]; words: string; onBrush: (from: Date, to: Date) => void }) {
  const area = useRef<HTMLDivElement>(null);
  const [brush, setBrush] = useState<Brush | null>(null);
  const [dragging, setDragging] = useState(false);
  const end = buckets.length - 1;
  const within = (index: number) => Math.min(end, Math.max(0, index));
  const widthMs = (buckets[1]?.at.getTime() ?? 0) - (buckets[0]?.at.getTime() ?? 0);
  const indexAt = (clientX: number): number => {
    const box = area.current?.getBoundingClientRect();
    if (!box || box.width === 0) return 0;
    return within(Math.floor(((clientX - box.left) / box.width) * buckets.length));
  };
  const choose = (chosen: Brush | null) => {
    setBrush(null);
    setDragging(false);
    if (chosen === null) return;
    const from = buckets[Math.min(chosen.from, chosen.to)];
    const to = buckets[Math.max(chosen.from, chosen.to)];
    if (from && to) onBrush(from.at, new Date(to.at.getTime() + widthMs));
  };
  const press = (event: KeyboardEvent) => {
    const at = brush?.to ?? end;
    const move = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 10, PageDown: at + 10, Home: 0, End: end }[event.key];
    if (move !== undefined) {
      const to = brush === null ? at : within(move);
      setBrush({ from: event.shiftKey && brush !== null ? brush.from : to, to });
    } else if (event.key === 'Enter' && brush !== null) choose(brush);
    else if (event.key === 'Escape' && brush !== null) setBrush(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const at = buckets[brush?.to ?? end];
  const text = (chosen: Brush): string => {
    const [low, high] = [buckets[Math.min(chosen.from, chosen.to)], buckets[Math.max(chosen.from, chosen.to)]];
    if (low === undefined || high === undefined) return '';
    return low === high ? bucketText(low) : `${label.format(low.at)} to ${label.format(new Date(high.at.getTime() + widthMs))}`;
  };
  return (
    <div
      ref={area}
      role="slider"
      tabIndex={0}
      aria-label={`${words}. Arrows move over time, with Shift they choose a range, Enter zooms to it.`}
      aria-valuemin={0}
      aria-valuemax={end}
      aria-valuenow={brush?.to ?? end}
      aria-valuetext={brush === null ? (at === undefined ? words : bucketText(at)) : text(brush)}
      className="relative flex h-20 cursor-crosshair touch-none select-none items-end gap-[2px] border-b"
      onKeyDown={press}
      onBlur={() => setBrush(null)}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        const index = indexAt(event.clientX);
        setDragging(true);
        setBrush({ from: index, to: index });
      }}
      onPointerMove={(event) => dragging && brush && setBrush({ ...brush, to: indexAt(event.clientX) })}
      onPointerUp={() => dragging && choose(brush)}
      onPointerCancel={() => choose(null)}
    >
      <Bars buckets={buckets} />
      {brush === null ? null : (
        <>
          <div
            aria-hidden
            className="pointer-events-none absolute inset-y-0 bg-accent/20 ring-1 ring-accent"
            style={{
              left: `${(Math.min(brush.from, brush.to) / buckets.length) * 100}%`,
              width: `${((Math.abs(brush.to - brush.from) + 1) / buckets.length) * 100}%`,
            }}
          />
          <span
            aria-hidden
            className="pointer-events-none absolute -top-7 z-10 max-w-full truncate rounded-md bg-ink px-2 py-0.5 text-xs text-canvas shadow-pop"
            style={brush.to > buckets.length / 2 ? { right: 0 } : { left: 0 }}
          >
            {text(brush)}
          </span>
        </>
      )}
    </div>
  );
}

function Bars({ buckets }: { buckets: readonly Bucket[] }) {
  const peak = Math.max(1, ...buckets.map((bucket) => bucket.allow + bucket.hold + bucket.deny));
  return buckets.map((bucket) => (
    <div key={bucket.at.getTime()} title={bucketText(bucket)} className="flex h-full min-w-0 flex-1 flex-col justify-end">
      {bucket.allow + bucket.hold + bucket.deny === 0 ? <div className="h-0.5 bg-line" /> : null}
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
  ));
}
