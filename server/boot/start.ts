import { join } from 'node:path';
import { writePrivately } from '../../db/embedded/cluster';
import { writeKeys } from '../../db/secrets';
import { startAccessSweep } from '../accessRequests/sweep';
import { startMeasuringByRule } from '../approvals/measureByRule';
import { startRetention } from '../audit/retentionLoop';
import type { Config } from '../config';
import { checkReadiness } from '../health';
import { type HttpServer, listenHttp } from '../http';
import { stopLive } from '../live/start';
import { log } from '../log';
import { createMetrics } from '../metrics';
import { startDeliveries } from '../notifications/loop';
import { type Runtime, setRuntime } from '../runtime';
import { keepKeys } from '../secrets/keep';
import { openSecretKeys } from '../secrets/storeKeys';
import { type Banner, reachable } from './banner';
import { type CertificateFiles, openCertificate } from './certificate';
import { checkoutRoot } from './checkout';
import type { Closing } from './closing';
import { CONSOLE_URL_FILE, type DataDir, openDataDir } from './dataDir';
import { closeLeftovers } from './leftovers';
import { keepAdminToken, keepDemoToken, makeSignInAddress } from './localTokens';
import { mountRoutes } from './mount';
import { type NodeLease, takeNode } from './node';
import { readOperatorKey } from './operatorKey';
import { preparePages } from './pages';
import { explainListenError, probeProxyPort } from './ports';
import { type RecorderProcess, startRecorderProcess } from './recorder';
import { DEMO_AGENT, DEMO_CONNECTION, refreshDemoConnection, seedPolicy } from './seed';
import { type BootedStore, bootStore } from './store';
import { startWorkers, type Workers } from './workers';

const DRAIN_MS = 5_000;
const RECORDER_DRAIN_MS = 5_000;

export interface Started {
  banner: Banner;
  /** Resolves when something the gateway cannot do without has gone, with words for the operator. */
  lost: Promise<string>;
}

/**
 * Starts a gateway in the order that lets each part rely on those before it, the proxy before the console, since agents are waiting.
 * Each part registers with `closing` how it is stopped.
 */
export async function startGateway(config: Config, options: { dev: boolean; closing: Closing; say(line: string): void }): Promise<Started> {
  const { closing, say } = options;
  const dataDir = openDataDir(config.dataDir);
  await closing.add('data directory lock', () => dataDir.lock.release());
  const http = await openConsolePort(config, options.dev, closing);
  if (config.proxyPort !== 0) await probeProxyPort(config.proxyHost, config.proxyPort);
  const found = await readOperatorKey(dataDir.path, config.secretKey);
  const store = await bootStore(config, dataDir.path, closing, say);
  const secretKey = await openSecretKeys(store.store, found.key);
  const node = await takeNode({
    url: store.url,
    store: store.store,
    dataDir: dataDir.path,
    name: config.node,
    gatewayId: dataDir.gatewayId,
    consoleUrl: config.consoleUrl,
    secretKey,
  });
  await closing.add('node name', () => node.release());
  const recorder = await startRecorder({ store, dataDir, secretKey, node, closing, say });
  const localUrl = `http://${urlHost(reachable(config.host))}:${http.port}`;
  writePrivately(join(dataDir.path, CONSOLE_URL_FILE), localUrl);
  const consoleUrl = config.consoleUrl ?? localUrl;
  const runtime = {
    store: store.store,
    storeUrl: store.url,
    secretKey,
    embeddedStore: store.embedded !== null,
    dataDir: dataDir.path,
    gatewayId: dataDir.gatewayId,
    node: node.name,
    recorder,
    consoleUrl,
    slackApiUrl: config.slackApiUrl,
  };
  const workers = bootWorkers(config, { ...runtime, tls: openCertificate(config.proxyTls, dataDir.path, say) }, say);
  await closing.add('proxy workers', () => workers.drain(DRAIN_MS));
  const keys = keepKeys({
    found,
    store: store.store,
    secretKey,
    tell: (all) => [workers, recorder].forEach((part) => void part.secretKeys(all)),
  });
  await closing.add('secret keys', () => keys.stop());
  // Recorder, workers and console load beside each other, each in its process; they begin one after the other.
  const pages = preparePages(http, { dir: checkoutRoot(), dev: options.dev, host: config.host });
  await closing.add('console pages', () => pages.then((prepared) => prepared.close()));
  await recorder.ready;
  await closeLeftoversOfLastRun(store, dataDir, say);
  if (await seedPolicy(store.store, secretKey, store.demo)) say('first start: policy, principals and demo connection made');
  if (store.demo !== null) await refreshDemoConnection(store.store, secretKey, store.demo);
  workers.begin();
  const proxyPort = await workers.ready.catch((error: Error) => {
    throw new Error(`${error.message} (${config.proxyHost}:${config.proxyPort}); the lines above say why`);
  });
  const deliveries = await startDeliveries(runtime);
  await closing.add('notifications', () => deliveries.stop());
  const sweep = startAccessSweep(store.store);
  await closing.add('access sweep', () => sweep.stop());
  const retention = startRetention({ store: store.store, secretKey, dataDir: dataDir.path, node: node.name });
  await closing.add('retention', () => retention.stop());
  say(`proxy on ${reachable(config.proxyHost)}:${proxyPort}`);

  setRuntime({ ...runtime, workers, operatorKey: keys.operatorKey, proxyHost: reachable(config.proxyHost), proxyPort });
  await keepAdminToken(store.store, dataDir.path);
  const demoToken = store.demo === null ? null : await keepDemoToken(store.store, dataDir.path);
  http.routes.readiness = () => checkReadiness(store.store, workers.accepting(), recorder.status());
  http.routes.metrics = createMetrics({ store: store.store, gatewayId: dataDir.gatewayId, recorder, ...workers });
  mountRoutes(http.routes, runtime, config.trustedProxies);
  await closing.add('live updates', stopLive);
  await closing.add('dry runs', await startMeasuringByRule(runtime));
  (await pages).serve();

  return {
    banner: {
      consoleUrl,
      signInAddress: await makeSignInAddress(store.store, consoleUrl),
      proxyHost: config.proxyHost,
      proxyPort,
      demo: demoToken === null ? null : { connection: DEMO_CONNECTION, agent: DEMO_AGENT, token: demoToken },
      dataDir: dataDir.path,
    },
    lost: Promise.race([
      node.lost,
      ...(store.embedded === null ? [] : [store.embedded.exited.then(() => 'the embedded PostgreSQL is gone')]),
    ]),
  };
}

async function openConsolePort(config: Config, dev: boolean, closing: Closing): Promise<HttpServer> {
  const http = await listenHttp({
    host: config.host,
    port: config.port,
    consoleUrl: config.consoleUrl,
    dev,
    trustedProxies: config.trustedProxies,
  }).catch((error: unknown) => {
    throw explainListenError(error, 'PORT', config.host, config.port);
  });
  await closing.add('console', () => http.close());
  return http;
}

/** A gateway that was killed could not say that its sessions are over. Its journals have been copied by now, so that nothing is overlooked. */
async function closeLeftoversOfLastRun(store: BootedStore, dataDir: DataDir, say: (line: string) => void): Promise<void> {
  const left = await closeLeftovers(store.store, { gatewayId: dataDir.gatewayId, before: new Date(), reason: 'gateway restarted' });
  if (left.sessions > 0)
    say(`closed ${left.sessions} sessions and withdrew ${left.requests} approval requests of a gateway that was killed`);
}

/** Before any worker: what the last run left in its journals is in the record, and in the store, once it is ready. */
async function startRecorder(options: {
  store: BootedStore;
  dataDir: DataDir;
  secretKey: Buffer;
  node: NodeLease;
  closing: Closing;
  say(line: string): void;
}): Promise<RecorderProcess> {
  const { store, dataDir, secretKey, node, closing, say } = options;
  const recorder = startRecorderProcess({
    exec: join(checkoutRoot(), 'dist', 'recorder.js'),
    env: {
      DATABASE_URL: store.url,
      GATEHOUSE_SECRET_KEY: writeKeys(secretKey),
      GATEHOUSE_DATA_DIR: dataDir.path,
      GATEHOUSE_ID: dataDir.gatewayId,
      GATEHOUSE_NODE: node.name,
    },
    say,
  });
  await closing.add('recorder', () => recorder.drain(RECORDER_DRAIN_MS));
  return recorder;
}

function bootWorkers(config: Config, runtime: Runtime & { tls: CertificateFiles }, say: (line: string) => void): Workers {
  const { store, gatewayId } = runtime;
  return startWorkers({
    exec: join(checkoutRoot(), 'dist', 'worker.js'),
    count: config.workers,
    env: {
      DATABASE_URL: runtime.storeUrl,
      GATEHOUSE_SECRET_KEY: writeKeys(runtime.secretKey),
      GATEHOUSE_DATA_DIR: runtime.dataDir,
      GATEHOUSE_ID: gatewayId,
      PROXY_HOST: config.proxyHost,
      PROXY_PORT: String(config.proxyPort),
      CONSOLE_URL: runtime.consoleUrl,
      PROXY_TLS_CERT: runtime.tls.certPath,
      PROXY_TLS_KEY: runtime.tls.keyPath,
      PROXY_SIGN_IN: config.proxySignIn,
      PROXY_SIGN_IN_TIMEOUT_MS: String(config.proxySignInTimeoutMs),
      PROXY_MAX_UNAUTHENTICATED: String(config.proxyMaxUnauthenticated),
      GATEHOUSE_ALLOW_PLAINTEXT: config.allowPlaintext ? 'on' : 'off',
    },
    say,
    async onDeath(workerId, diedAt) {
      const close = () =>
        closeLeftovers(store, { gatewayId, workerId, before: diedAt, reason: 'worker died' })
          .then(() => undefined)
          .catch((err: unknown) => log.error({ err, workerId }, 'what a dead worker left open could not be closed'));
      await close();
      // Once more when the last lines of its journal have been copied.
      setTimeout(() => void close(), 2_000).unref();
    },
  });
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
