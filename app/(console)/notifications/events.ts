import type { ChannelRow, DeliveryRow } from '../../data/types';

type EventKind = DeliveryRow['event'];

/** Every event in words, in the order the editor shows them. */
export const EVENT_WORDS: Record<EventKind, string> = {
  'request.filed': 'Statement held',
  'request.progress': 'Approval received, more needed',
  'request.approved': 'Statement approved',
  'request.rejected': 'Statement rejected',
  'request.expired': 'Request expired',
  'request.withdrawn': 'Request withdrawn',
  'request.executed': 'Statement released',
  'grant.made': 'Grant made',
  'grant.revoked': 'Grant revoked',
  'breakGlass.used': 'Break-glass used',
  'access.requested': 'Access requested',
  'access.progress': 'Access approval received, more needed',
  'access.approved': 'Access given',
  'access.rejected': 'Access refused',
  'access.expired': 'Access request expired',
  'access.withdrawn': 'Access request withdrawn',
  'access.revoked': 'Access taken back',
  'access.ended': 'Access ended',
};

export const EVENTS = Object.keys(EVENT_WORDS) as EventKind[];

/** What a channel for reviewers wants at least: what waits for them, and what went past them. */
export const USUAL_EVENTS: EventKind[] = ['request.filed', 'breakGlass.used', 'access.requested'];

export const EVENT_GROUPS: readonly { name: string; kinds: EventKind[] }[] = [
  { name: 'Held statements', kinds: EVENTS.filter((kind) => kind.startsWith('request.')) },
  { name: 'Grants and break-glass', kinds: EVENTS.filter((kind) => kind.startsWith('grant.') || kind.startsWith('breakGlass.')) },
  { name: 'Access requests', kinds: EVENTS.filter((kind) => kind.startsWith('access.')) },
];

export const KIND_WORDS: Record<ChannelRow['kind'], string> = {
  webhook: 'Webhook',
  slack: 'Slack',
  teams: 'Microsoft Teams',
  email: 'E-mail',
};

/** Where a channel's messages go, as far as it may be shown. */
export function targetWords({ config }: ChannelRow): string {
  switch (config.kind) {
    case 'webhook':
      return config.url;
    case 'slack':
      return `channel ${config.channel}`;
    case 'teams':
      return config.host;
    case 'email':
      return `${config.to.join(', ')} by ${config.host}:${config.port}`;
    default:
      return config satisfies never;
  }
}
