/** A stretch of a session's time: something ran in it, or nothing did and it is drawn short. */
export interface Stretch {
  fromMs: number;
  toMs: number;
  idle: boolean;
  /** Share of the strip's width where it begins and ends, from 0 to 1. */
  from: number;
  to: number;
}

interface Span {
  fromMs: number;
  toMs: number;
}

/** Only the longest gaps are cut: a strip of nothing but cuts says nothing. */
const MOST_CUTS = 8;
/** A gap is cut when it is longer than all that ran, times this, and than a second. */
const CUT_ABOVE = 0.15;
/** The width a cut gap keeps. */
const CUT_WIDTH = 0.05;

/**
 * Time from a session's start to its end as shares of a width. Where nothing ran is most of a session, so its longest gaps are cut short and
 * the rest is drawn to scale. The stretches cover the whole time, in order.
 */
export function timeScale(spans: readonly Span[], startMs: number, endMs: number): Stretch[] {
  const end = Math.max(endMs, startMs + 1);
  const gaps = gapsOf(spans, startMs, end);
  const idleMs = gaps.reduce((sum, gap) => sum + gap.toMs - gap.fromMs, 0);
  const busyMs = end - startMs - idleMs;
  const least = Math.max(1_000, busyMs * CUT_ABOVE);
  const cut = new Set(
    gaps
      .filter((gap) => gap.toMs - gap.fromMs > least)
      .sort((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs))
      .slice(0, MOST_CUTS),
  );
  const stretches: Omit<Stretch, 'from' | 'to'>[] = [];
  let atMs = startMs;
  for (const gap of gaps) {
    if (!cut.has(gap)) continue;
    if (gap.fromMs > atMs) stretches.push({ fromMs: atMs, toMs: gap.fromMs, idle: false });
    stretches.push({ ...gap, idle: true });
    atMs = gap.toMs;
  }
  if (atMs < end) stretches.push({ fromMs: atMs, toMs: end, idle: false });
  return withShares(stretches);
}

function gapsOf(spans: readonly Span[], startMs: number, endMs: number): Span[] {
  const gaps: Span[] = [];
  let atMs = startMs;
  for (const span of [...spans].sort((a, b) => a.fromMs - b.fromMs)) {
    if (span.fromMs > atMs) gaps.push({ fromMs: atMs, toMs: Math.min(span.fromMs, endMs) });
    atMs = Math.max(atMs, Math.min(span.toMs, endMs));
  }
  if (atMs < endMs) gaps.push({ fromMs: atMs, toMs: endMs });
  return gaps.filter((gap) => gap.toMs > gap.fromMs);
}

function withShares(stretches: readonly Omit<Stretch, 'from' | 'to'>[]): Stretch[] {
  const busy = stretches.filter((one) => !one.idle);
  const busyMs = busy.reduce((sum, one) => sum + one.toMs - one.fromMs, 0);
  const cuts = stretches.length - busy.length;
  const forCuts = busy.length === 0 ? 1 : Math.min(0.5, cuts * CUT_WIDTH);
  let at = 0;
  return stretches.map((one, index) => {
    const share = one.idle ? forCuts / cuts : ((one.toMs - one.fromMs) / busyMs) * (1 - forCuts);
    const from = at;
    at = index === stretches.length - 1 ? 1 : at + share;
    return { ...one, from, to: at };
  });
}

/** Where an instant stands, from 0 to 1; before the first and after the last stretch it is at the ends. */
export function placeOf(stretches: readonly Stretch[], ms: number): number {
  const first = stretches[0];
  if (first === undefined || ms <= first.fromMs) return 0;
  const stretch = stretches.find((one) => ms <= one.toMs);
  if (stretch === undefined) return 1;
  return stretch.from + ((ms - stretch.fromMs) / (stretch.toMs - stretch.fromMs)) * (stretch.to - stretch.from);
}
