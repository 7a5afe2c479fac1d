import { ServiceError } from '../errors';

/** A place among a session's statements, which are in order of time and id. An empty id stands before all of its instant. */
export interface Place {
  at: Date;
  id: string;
}

/** Which way a window lies from its place, and whether what stands there belongs to it (`from`). */
export type Way = 'from' | 'after' | 'before';

export interface Bearing {
  way: Way;
  place: Place;
  /** How many statements lie before what it divides: what was counted once need not be counted for each window. */
  before: number;
}

/** A cursor says its own direction: a window that is read again is the same, whatever was read around it. */
export const cursorText = ({ way, place, before }: Bearing): string => `${way}~${before}~${place.at.toISOString()}~${place.id}`;

/** @throws ServiceError INVALID */
export function readCursor(text: string): Bearing {
  const [, way, before, time = '', id = ''] = /^(from|after|before)~(\d{1,15})~(\d{4}-\d\d-\d\dT[\d:.]+Z)~(.*)$/.exec(text) ?? [];
  const at = new Date(time);
  if (way === undefined || Number.isNaN(at.getTime())) throw new ServiceError('INVALID', 'cursor: not one of ours');
  return { way: way as Way, place: { at, id }, before: Number(before) };
}
