import { AUDIT_SECRETS_BOUND_TO } from '../../proxy/record/auditSettings';
import { tlsKeyBinding } from '../../proxy/upstream/endpoint';
import { channelBinding } from '../notifications/secrets';

export interface SealedColumn {
  table: string;
  column: string;
  /** What its envelopes are bound to, by the row's id. */
  boundTo(id: string): string;
}

/** Every column of the store that holds envelopes: a rotation seals them all anew, and a test knows when one is missing here. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  { table: 'connections', column: 'password_sealed', boundTo: (id) => id },
  { table: 'connections', column: 'tls_key_sealed', boundTo: tlsKeyBinding },
  { table: 'notification_channels', column: 'secrets_sealed', boundTo: channelBinding },
  { table: 'identity_providers', column: 'secret_sealed', boundTo: (id) => id },
  { table: 'saml_keys', column: 'key_sealed', boundTo: (id) => id },
  { table: 'local_accounts', column: 'totp_sealed', boundTo: (id) => id },
  { table: 'audit_settings', column: 'secrets_sealed', boundTo: () => AUDIT_SECRETS_BOUND_TO },
  { table: 'value_keys', column: 'key_sealed', boundTo: (id) => id },
];
