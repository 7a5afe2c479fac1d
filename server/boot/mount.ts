import { handleExport } from '../api/exports';
import { createApiHandler } from '../api/http';
import { handleRecordExport } from '../api/recordExport';
import { createPasskeyHandler } from '../auth/passkey/handler';
import { createSamlHandler } from '../auth/saml/handler';
import type { Routes } from '../http';
import type { Runtime } from '../runtime';
import { createScimHandler } from '../scim/handler';
import { createSlackHandler } from '../slack/interactions';
import { createTokenHandler } from '../token/handler';
import { addressOf, type TrustedProxies } from '../web/clientAddress';

/** Everything that the console's port answers by itself, in front of the pages. */
export function mountRoutes(routes: Routes, runtime: Runtime & { slackApiUrl: string }, trustedProxies: TrustedProxies): void {
  routes.api = createApiHandler();
  routes.recordExport = handleRecordExport;
  routes.exports = handleExport;
  routes.slack = createSlackHandler(runtime);
  routes.passkey = createPasskeyHandler(runtime, (req) => addressOf(req, trustedProxies));
  routes.saml = createSamlHandler(runtime);
  routes.scim = createScimHandler(runtime);
  routes.token = createTokenHandler((req) => addressOf(req, trustedProxies));
}
