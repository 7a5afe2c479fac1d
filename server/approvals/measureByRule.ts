import { and, eq, isNull } from 'drizzle-orm';
import { approvalRequests } from '../../db/schema/approvals';
import { codeOf } from '../../proxy/worker/shownError';
import { ServiceError } from '../errors';
import { systemActor } from '../identity/actor';
import { liveHub } from '../live/start';
import { log } from '../log';
import type { Runtime } from '../runtime';
import { measure } from './measure';
import { readRequest } from './read';

/** Between two attempts where another dry run stands in the way. */
const AGAIN_MS = 1_200;

/**
 * Measures what this gateway's rules with `dryRun: true` hold, one after another, as soon as it is held. What a reviewer measured first is
 * not measured again. Stops taking new ones when the returned function is called.
 */
export async function startMeasuringByRule({ store, secretKey, gatewayId }: Runtime): Promise<() => Promise<void>> {
  const waiting: string[] = [];
  let running: Promise<void> | null = null;
  let stopped = false;

  const one = async (id: string): Promise<void> => {
    const request = await readRequest(store, id);
    if (request === undefined || request.status !== 'pending' || !request.dryRun || request.measured !== null) return;
    if (request.gatewayId !== gatewayId) return;
    try {
      await measure({ store, secretKey, actor: systemActor }, request);
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== 'CONFLICT') throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      if (!stopped) waiting.push(id);
    }
  };
  const work = async () => {
    for (let id = waiting.shift(); id !== undefined && !stopped; id = waiting.shift())
      await one(id).catch((error: unknown) => log.warn({ code: codeOf(error) }, 'a dry run that a rule asks for was not made'));
    running = null;
  };
  const take = (id: string) => {
    if (stopped || waiting.includes(id)) return;
    waiting.push(id);
    running ??= work();
  };

  const unsubscribe = await liveHub().subscribe(
    'request',
    (row) => {
      if (row.status === 'pending') take(row.id);
    },
    () => undefined,
  );
  const open = await store
    .select({ id: approvalRequests.id })
    .from(approvalRequests)
    .where(and(eq(approvalRequests.status, 'pending'), eq(approvalRequests.dryRun, true), isNull(approvalRequests.measured)));
  for (const { id } of open) take(id);
  return async () => {
    stopped = true;
    unsubscribe();
    await running;
  };
}
