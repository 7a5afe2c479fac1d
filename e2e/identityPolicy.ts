import { parse, stringify } from 'yaml';
import { type Api, apiAsOperator } from './api';
import type { Gateway } from './gateway';
import { AUDIENCE, DEVICE_CLIENT, type TokenIssuer } from './tokenIssuer';

export interface PolicyDocument {
  groups?: string[];
  principals: object[];
  access: object[];
  rules?: object[];
  identity?: { providers: object[] };
}

/** The shared gateway's policy with identity providers in it, until it is put back. */
export interface IdentityPolicy {
  admin: Api;
  document: PolicyDocument;
  /** What a test changes goes on top of the document; without it, the document again. */
  apply(changed?: PolicyDocument): Promise<void>;
  restore(): Promise<void>;
}

export async function withIdentity(gateway: Gateway, change: (document: PolicyDocument) => void): Promise<IdentityPolicy> {
  // The operator first: putting the policy back must not take it away.
  const admin = await apiAsOperator(gateway);
  const before = (await admin.policy.export.query()).yaml;
  const document = parse(before) as PolicyDocument;
  change(document);
  const apply = async (changed: PolicyDocument = document) => {
    await admin.policy.applyYaml.mutate({ yaml: stringify(changed), dryRun: false });
  };
  await apply();
  return { admin, document, apply, restore: async () => void (await admin.policy.applyYaml.mutate({ yaml: before, dryRun: false })) };
}

/** The issuer as the provider `corp`: whoever it says is here by their mail address, and has a device flow. */
export const corp = (issuer: TokenIssuer, more: object = {}) => ({
  ...{ name: 'corp', type: 'oidc', issuer: issuer.url, audiences: [AUDIENCE] },
  principal: { claim: 'email', strip: '@acme.example', create: 'human' },
  device: { clientId: DEVICE_CLIENT, scopes: ['openid', 'sql'] },
  ...more,
});
