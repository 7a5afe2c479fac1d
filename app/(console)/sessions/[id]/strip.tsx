'use client';
import { Minus, Plus } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { Button } from '../../../ui/button';
import { cx } from '../../../ui/classes';
import { Scroll } from '../../../ui/scroll';
import { durationText } from '../../../ui/time';
import { useWidth } from '../../../ui/width';
import { placeOf, type Stretch } from './timeScale';

export const FILLS = {
  allow: 'bg-allow-solid/80',
  hold: 'bg-hold-soft hatched ring-1 ring-inset ring-hold-solid',
  deny: 'bg-deny-solid crossed',
} as const;

export const WORDS = { allow: 'allowed', hold: 'held', deny: 'denied' } as const;

const ZOOMS = [1, 2, 4, 8, 16, 32] as const;

interface StripProps {
  legend: ReactNode;
  stretches: readonly Stretch[];
  /** What a stretch that is cut short says of itself. */
  idleText: string;
  startMs: number;
  endMs: number;
  /** When what is chosen began: it is kept in sight. */
  selectedMs: number | null;
  /** What stands on it; its width is in CSS pixels, `null` until that is known. */
  children: (place: (ms: number) => number, widthPx: number | null) => ReactNode;
}

/** A session's time from left to right, which can be looked at closer. Places are in percent. */
export function Strip({ legend, stretches, idleText, startMs, endMs, selectedMs, children }: StripProps) {
  const [zoom, setZoom] = useState(0);
  const [scroller, width] = useWidth<HTMLDivElement>();
  const times = ZOOMS[zoom] ?? 1;
  const selectedAt = selectedMs === null ? null : placeOf(stretches, selectedMs);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a zoom keeps in sight what was chosen
  useEffect(() => {
    const area = scroller.current;
    if (area === null || selectedAt === null) return;
    area.scrollTo({ left: selectedAt * area.scrollWidth - area.clientWidth / 2 });
  }, [selectedAt, zoom]);
  return (
    <div className="grid gap-2">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1.5">
        <span className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-2">{legend}</span>
        <span className="flex items-center gap-1">
          <Button look="ghost" size="icon" aria-label="Zoom out" disabled={zoom === 0} onClick={() => setZoom(zoom - 1)}>
            <Minus aria-hidden />
          </Button>
          <span role="status" className="w-9 text-center text-xs tabular-nums text-ink-2">
            {times} ×
          </span>
          <Button look="ghost" size="icon" aria-label="Zoom in" disabled={zoom === ZOOMS.length - 1} onClick={() => setZoom(zoom + 1)}>
            <Plus aria-hidden />
          </Button>
        </span>
      </div>
      <Scroll ref={scroller} label="Timeline" className="rounded-lg border bg-sunken/60">
        <div className="relative h-24" style={{ width: `${times * 100}%` }}>
          {stretches.map((stretch) => (stretch.idle ? <Idle key={stretch.fromMs} stretch={stretch} text={idleText} /> : null))}
          {children((ms) => placeOf(stretches, ms) * 100, width === null ? null : width * times)}
        </div>
      </Scroll>
      <div aria-hidden className="flex justify-between text-xs tabular-nums text-ink-3">
        <span>start</span>
        <span>{durationText(Math.max(1, endMs - startMs))}</span>
      </div>
    </div>
  );
}

/** A gap that is cut short, and how long it is. */
const Idle = ({ stretch, text }: { stretch: Stretch; text: string }) => (
  <div
    className="absolute inset-y-0 grid place-items-center overflow-hidden border-x border-dashed bg-surface"
    style={{ left: `${stretch.from * 100}%`, width: `${(stretch.to - stretch.from) * 100}%` }}
    title={`${durationText(stretch.toMs - stretch.fromMs)} ${text}`}
  >
    <span className="whitespace-nowrap text-[0.6875rem] text-ink-3 [writing-mode:vertical-rl]">
      {durationText(stretch.toMs - stretch.fromMs)}
    </span>
  </div>
);

export const Key = ({ fill, children }: { fill: string; children: ReactNode }) => (
  <span className="flex items-center gap-1.5">
    <span aria-hidden className={cx('rounded-[3px]', fill)} />
    {children}
  </span>
);
