import { accessRouter } from './access';
import { accessRequestsRouter } from './accessRequests';
import { approvalsRouter } from './approvals';
import { auditRouter } from './audit';
import { checkRouter } from './check';
import { connectionsRouter } from './connections';
import { identitiesRouter } from './identities';
import { localAccountsRouter } from './localAccounts';
import { maskingRouter } from './masking';
import { meRouter } from './me';
import { notificationsRouter } from './notifications';
import { overviewRouter } from './overview';
import { passkeysRouter } from './passkeys';
import { policyRouter } from './policy';
import { deviceRouter, groupsRouter, principalsRouter, tokensRouter } from './principals';
import { recordRouter } from './record';
import { reportsRouter } from './reports';
import { rulesRouter } from './rules';
import { secretsRouter } from './secrets';
import { sessionsRouter } from './sessions';
import { router } from './trpc';
import { viewsRouter } from './views';

/** Every procedure of the console and the CLI. Routers are thin: one call to one verb each. */
export const appRouter = router({
  me: meRouter,
  overview: overviewRouter,
  connections: connectionsRouter,
  rules: rulesRouter,
  masking: maskingRouter,
  access: accessRouter,
  accessRequests: accessRequestsRouter,
  check: checkRouter,
  policy: policyRouter,
  approvals: approvalsRouter,
  sessions: sessionsRouter,
  audit: auditRouter,
  record: recordRouter,
  views: viewsRouter,
  reports: reportsRouter,
  principals: principalsRouter,
  groups: groupsRouter,
  device: deviceRouter,
  identities: identitiesRouter,
  passkeys: passkeysRouter,
  localAccounts: localAccountsRouter,
  tokens: tokensRouter,
  notifications: notificationsRouter,
  secrets: secretsRouter,
});

export type AppRouter = typeof appRouter;
