'use client';
import { ArrowUp, Pause, Play, Square } from 'lucide-react';
import { Button } from '../../ui/button';
import { countText } from './complete';
import type { Tail } from './useTail';

/** Start, pause, resume and stop of the live tail; while it is paused, what has come since. */
export function TailControls({ on, tail, onStart, onStop }: { on: boolean; tail: Tail; onStart: () => void; onStop: () => void }) {
  if (!on)
    return (
      <Button size="sm" onClick={onStart}>
        <Play aria-hidden />
        Start live tail
      </Button>
    );
  const missed = tail.missed?.value ?? 0;
  return (
    <span className="flex flex-wrap items-center gap-1.5">
      <span role="status" className="sr-only">
        {tail.paused ? (tail.missed === null ? 'Live tail paused' : `${countText(missed, tail.missed.capped)} new while paused`) : ''}
      </span>
      {tail.paused && tail.missed !== null && missed > 0 ? (
        <Button look="primary" size="sm" onClick={tail.resume}>
          <ArrowUp aria-hidden />
          {countText(missed, tail.missed.capped)} new while paused
        </Button>
      ) : null}
      {tail.paused ? (
        <Button size="sm" onClick={tail.resume}>
          <Play aria-hidden />
          Resume live tail
        </Button>
      ) : (
        <Button size="sm" onClick={tail.pause}>
          <Pause aria-hidden />
          Pause live tail
          <Dot heard={tail.heard} />
        </Button>
      )}
      <Button look="ghost" size="icon" aria-label="Stop live tail" title="Stop live tail" onClick={onStop}>
        <Square aria-hidden />
      </Button>
    </span>
  );
}

const Dot = ({ heard }: { heard: boolean }) => (
  <span className="relative ml-1 grid size-2 place-items-center">
    {heard ? <span aria-hidden className="absolute size-2 rounded-full bg-allow-solid animate-ping-soft" /> : null}
    <span aria-hidden className={`size-2 rounded-full ${heard ? 'bg-allow-solid' : 'bg-line-strong'}`} />
    <span className="sr-only">{heard ? 'receiving' : 'connecting'}</span>
  </span>
);
