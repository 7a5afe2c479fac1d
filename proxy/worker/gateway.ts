import { hkdfSync } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { listen } from '../../db/listen';
import { sessions } from '../../db/schema/audit';
import { openStore, type Store } from '../../db/store';
import { createDesk, type Desk } from '../approvals/desk';
import { bothMayConnect, type SignedIn } from '../identity/signIn';
import { mockKey } from '../identity/verifier';
import { createJwtVerifier, type JwtVerifier } from '../identity/verifyJwt';
import { type Journal, openJournal } from '../journal/write';
import { createUsageKeeper, type UsageKeeper } from '../limits/usage';
import { maskHashKey } from '../masking/hashKey';
import { createJudge } from '../policy/judge';
import type { PolicySnapshot } from '../policy/types';
import type { Session } from '../session/session';
import { openTlsKeeper, type TlsKeeper } from '../tls/keeper';
import { watchAccessEnd } from './accessEnd';
import { createBufferCollection } from './bufferCollection';
import { CancelKeys } from './cancelKeys';
import { type Catalogs, createCatalogs } from './catalogs';
import { log } from './log';
import { openPolicyKeeper, type PolicyKeeper } from './policyKeeper';
import { createPresence, type Presence } from './presence';
import { createRecheck } from './recheck';
import type { WorkerSettings } from './settings';
import { codeOf } from './shownError';
import { SignInFailures } from './signInFailures';
import { whyEnded } from './whyEnded';

/** A session as the worker keeps it: what may end it from outside. */
export interface OpenSession {
  session: Session;
  signedIn: SignedIn;
  /** What it was opened with ends then; null: never. */
  endAt(at: Date | null): void;
}

/** Everything the sessions of one worker share. */
export interface Gateway {
  settings: WorkerSettings;
  store: Store;
  policy: PolicyKeeper;
  catalogs: Catalogs;
  journal: Journal;
  signInFailures: SignInFailures;
  desk: Desk;
  judge: ReturnType<typeof createJudge>;
  cancelKeys: CancelKeys;
  tls: TlsKeeper;
  /** What it knows of providers' keys is this worker's. */
  jwt: JwtVerifier;
  /** Keys the exchanges with names that nobody has (proxy/identity/verifier.ts). */
  mockKey: Buffer;
  /** Keys the pseudonyms of hash masks: the same on every gateway of one store. */
  hashKey: Buffer;
  /** Told how much is read, to keep memory flat. */
  onRead(bytes: number): void;
  /** What principals have used of their budgets. */
  usage: UsageKeeper;
  sessions: Map<string, OpenSession>;
  presence: Presence;
  /** Looks again at what every session may do. */
  recheckSessions(): void;
  close(): Promise<void>;
}

const CERTIFICATE_POLL_MS = 1_000;
const IDLE_CHECK_MS = 250;
const JUDGE_CACHE_BYTES = 64 * 1024 * 1024;

/** @param onPolicyHeld a changed policy is what sessions go by, those that are open too */
export async function openGateway(settings: WorkerSettings, onPolicyHeld: (policy: PolicySnapshot) => void): Promise<Gateway> {
  const tls = openTlsKeeper({
    ...settings.tls,
    pollMs: CERTIFICATE_POLL_MS,
    onLoaded: ({ subject, expiresAt }) => log.info({ certificate: settings.tls.certPath, subject, expiresAt }, 'certificate in use'),
    onBroken: (reason) => log.warn({ certificate: settings.tls.certPath, reason }, 'changed certificate not used, the one before stays'),
  });
  const { store, close: closeStore } = openStore(settings.storeUrl, { max: 8, applicationName: `gatehouse ${settings.workerId}` });
  const open = new Map<string, OpenSession>();
  const policy = await openPolicyKeeper(store, (changed) => {
    accessEnd.changed(changed);
    recheck.run();
  });
  const journal = openJournal(settings.dataDir, `${settings.gatewayId}-${settings.workerId}-${Date.now()}-${process.pid}`, {
    onError: (error) => log.error({ code: codeOf(error) }, 'the journal could not be written'),
  });
  const signInFailures = new SignInFailures((entry) => {
    try {
      journal.append(entry);
    } catch (error) {
      log.error({ code: codeOf(error) }, 'a failed sign-in could not be recorded');
    }
  });
  const desk = createDesk({ store, gatewayId: settings.gatewayId, workerId: settings.workerId, now: () => new Date() });
  const catalogs = createCatalogs({
    store,
    secretKey: settings.secretKey,
    onError: (connection, error) => log.warn({ connection, code: codeOf(error) }, 'catalog connection failed'),
  });

  /** Access for a time ends by the clock: nobody is asked, so that it ends while the store is away too. */
  const accessEnd = watchAccessEnd(() => {
    const { access } = policy.current();
    for (const { session, signedIn } of open.values()) {
      const { principal, connectionName } = session.facts;
      if (!bothMayConnect(access, { principal, person: signedIn.person }, connectionName, new Date()))
        session.terminate('access to the connection has ended');
    }
  });
  accessEnd.changed(policy.current());

  /** After a change of policy: each session's principal is read again, and what it may no longer do ends. */
  const recheck = createRecheck<OpenSession>(
    () => open.values(),
    async (entry) => {
      try {
        const ended = await whyEnded(store, policy.current(), entry);
        if (ended !== null) entry.session.terminate(ended);
        else entry.endAt(entry.signedIn.expiresAt);
      } catch (error) {
        log.warn({ session: entry.session.facts.id, code: codeOf(error) }, 'principal could not be read again');
        throw error;
      }
    },
    () => onPolicyHeld(policy.current()),
  );

  const kill = (id: string) => open.get(id)?.session.terminate('terminated by an administrator');
  const presence = createPresence({
    store,
    onKill: kill,
    onError: (error) => log.warn({ code: codeOf(error) }, 'sessions that opened or ended could not be stored yet'),
  });
  const killIfAsked = async (id: string) => {
    if (!open.has(id)) return;
    const [row] = await store.select().from(sessions).where(eq(sessions.id, id));
    if (row?.killRequestedAt != null) kill(id);
  };

  const usage = createUsageKeeper({
    store,
    key: Buffer.from(hkdfSync('sha256', settings.secretKey, Buffer.alloc(0), 'gatehouse usage sketch', 32)),
    onError: (error) => log.warn({ code: codeOf(error) }, 'what principals used could not be stored yet'),
  });
  const listener = listen(settings.storeUrl, ['gatehouse_policy', 'gatehouse_approvals', 'gatehouse_sessions'], {
    onNotification(channel, payload) {
      switch (channel) {
        case 'gatehouse_policy':
          return policy.wake();
        case 'gatehouse_approvals':
          return desk.wake(payload);
        case 'gatehouse_sessions':
          return void killIfAsked(payload).catch(() => undefined);
        case 'gatehouse_presence':
        case 'gatehouse_statements':
        case 'gatehouse_notifications':
        case 'gatehouse_record':
          return;
        default:
          channel satisfies never;
      }
    },
    onConnected() {
      policy.wake();
      desk.wakeAll();
      for (const id of open.keys()) void killIfAsked(id).catch(() => undefined);
    },
    onLost: () => log.warn('store notifications lost, reconnecting'),
  });

  const idleTimer = setInterval(() => {
    const limited = [...policy.current().connections.values()].some(
      ({ limits }) =>
        limits.idleTimeoutMs !== undefined || limits.idleInTransactionTimeoutMs !== undefined || limits.statementTimeoutMs !== undefined,
    );
    if (!limited) return;
    for (const { session } of open.values()) {
      session.endIfIdle();
      session.cancelIfTooLong();
    }
  }, IDLE_CHECK_MS);
  idleTimer.unref();

  return {
    settings,
    store,
    policy,
    catalogs,
    journal,
    signInFailures,
    desk,
    judge: createJudge({ maxBytes: JUDGE_CACHE_BYTES }),
    cancelKeys: new CancelKeys(),
    tls,
    jwt: createJwtVerifier(),
    mockKey: mockKey(settings.secretKey),
    onRead: createBufferCollection(),
    hashKey: maskHashKey(settings.secretKey),
    usage,
    sessions: open,
    presence,
    recheckSessions: recheck.run,
    async close() {
      clearInterval(idleTimer);
      tls.close();
      accessEnd.close();
      recheck.close();
      policy.close();
      desk.close();
      await listener.close();
      await catalogs.close();
      await usage.close();
      await presence.close();
      await closeStore();
      signInFailures.close();
      journal.close();
    },
  };
}

export const newErrorId = () => `err_${newId('act').slice(4)}`;
