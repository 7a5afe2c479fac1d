import { and, inArray, lt, sql } from 'drizzle-orm';
import { listen } from '../../db/listen';
import { notificationDeliveries, slackInteractions } from '../../db/schema/notifications';
import type { Store } from '../../db/store';
import { loadParser } from '../../proxy/sql/parse';
import { codeOf } from '../../proxy/worker/shownError';
import { log } from '../log';
import { composeMessage } from './message';
import { sendMessage } from './send';
import { giveBack, settleDelivery } from './settle';
import { readSubject } from './subject';
import { nextDueMs, releaseOwnLeases, type Taken, takeDelivery } from './take';

export interface DeliveryOptions {
  store: Store;
  /** For LISTEN. Holds a password. */
  storeUrl: string;
  secretKey: Buffer;
  /** No other process has it. */
  gatewayId: string;
  consoleUrl: string;
  slackApiUrl: string;
  /** The wait after the first failure; tests make it short. */
  firstDelayMs?: number;
}

/** How often the queue is looked at when nothing wakes us. */
const POLL_MS = 5_000;
const MOST_UNDER_WAY = 16;
/** A receiver that hangs must not take every place. */
const MOST_A_CHANNEL = 4;
/** How long a try that is under way may still take when the gateway stops. */
const GRACE_MS = 3_000;
const PRUNE_EVERY_MS = 60 * 60_000;

/** Delivers what is queued until it is stopped. Any number of gateways may: each delivery is taken by one at a time. */
export async function startDeliveries(options: DeliveryOptions): Promise<{ stop(): Promise<void> }> {
  const { store } = options;
  await loadParser();
  await releaseOwnLeases(store, options.gatewayId);
  const abort = new AbortController();
  const underWay = new Map<Promise<void>, string>();
  let stopped = false;
  let wanted = false;
  let looking: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;

  const busy = () => {
    const counts = new Map<string, number>();
    for (const channelId of underWay.values()) counts.set(channelId, (counts.get(channelId) ?? 0) + 1);
    return [...counts].filter(([, count]) => count >= MOST_A_CHANNEL).map(([channelId]) => channelId);
  };

  const deliver = async (taken: Taken) => {
    try {
      const outcome = await attempt(options, taken, abort.signal);
      if (abort.signal.aborted && outcome.kind === 'retry') return await giveBack(store, taken);
      await settleDelivery(store, taken, outcome, {
        random: Math.random(),
        ...(options.firstDelayMs === undefined ? {} : { firstMs: options.firstDelayMs }),
      });
      if (outcome.kind !== 'delivered')
        log.warn(
          { channel: taken.channel.name, event: taken.delivery.event, outcome: outcome.kind, why: outcome.error },
          'notification not delivered',
        );
    } catch (error) {
      // Not written down: the lease runs out and it is tried again.
      log.warn({ delivery: taken.delivery.id, code: codeOf(error) }, 'the outcome of a notification could not be written');
    }
  };

  const look = async () => {
    let waitMs = POLL_MS;
    do {
      wanted = false;
      while (!stopped && underWay.size < MOST_UNDER_WAY) {
        let taken = await takeDelivery(store, options.gatewayId, busy());
        if (taken === null) {
          // First what comes next, then once more what is there: nothing comes due unseen between the two.
          waitMs = await nextDueMs(store, POLL_MS);
          taken = await takeDelivery(store, options.gatewayId, busy());
        }
        if (taken === null) break;
        const done: Promise<void> = deliver(taken).finally(() => {
          underWay.delete(done);
          wake();
        });
        underWay.set(done, taken.channel.id);
      }
    } while (wanted && !stopped);
    return waitMs;
  };

  const wake = () => {
    if (stopped) return;
    wanted = true;
    if (looking !== null) return;
    clearTimeout(timer);
    looking = look()
      .catch((error: unknown) => {
        log.warn({ code: codeOf(error) }, 'the notification queue could not be read');
        return POLL_MS;
      })
      .then((waitMs) => {
        looking = null;
        if (stopped) return;
        timer = setTimeout(wake, wanted ? 0 : waitMs);
      });
  };

  const pruning = setInterval(() => void prune(store), PRUNE_EVERY_MS);
  pruning.unref();
  void prune(store);
  const listener = listen(options.storeUrl, ['gatehouse_notifications'], { onNotification: wake, onConnected: wake });
  wake();

  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      clearInterval(pruning);
      await listener.close();
      await looking;
      const hurry = setTimeout(() => abort.abort(), GRACE_MS);
      await Promise.all(underWay.keys());
      clearTimeout(hurry);
    },
  };
}

async function attempt(options: DeliveryOptions, { delivery, channel }: Taken, signal: AbortSignal) {
  const subject = await readSubject(options.store, delivery.subject, channel.includeSql);
  const message = composeMessage({ ...delivery, connection: delivery.connectionName }, subject, options.consoleUrl);
  return sendMessage(channel, message, { ...options, signal, now: new Date() });
}

/** What was delivered is of no use after a fortnight, and what never was after a month; taken interactions after their five minutes. */
async function prune(store: Store): Promise<void> {
  try {
    const { state, endedAt } = notificationDeliveries;
    await store.delete(notificationDeliveries).where(and(inArray(state, ['delivered']), lt(endedAt, sql`now() - interval '14 days'`)));
    await store.delete(notificationDeliveries).where(and(inArray(state, ['dead']), lt(endedAt, sql`now() - interval '30 days'`)));
    await store.execute(sql`delete from slack_messages m where not exists (
      select 1 from notification_deliveries d where d.channel_id = m.channel_id and d.subject = m.subject)`);
    await store.delete(slackInteractions).where(lt(slackInteractions.at, sql`now() - interval '1 hour'`));
  } catch (error) {
    log.warn({ code: codeOf(error) }, 'old notifications could not be removed');
  }
}
