import type { ChannelDraft, ChannelRow } from '../../data/types';
import { USUAL_EVENTS } from './events';

/** What the form holds: text as it is typed, of every kind of channel at once, so that switching kinds loses nothing. */
export interface ChannelForm {
  name: string;
  kind: ChannelRow['kind'];
  url: string;
  teamsUrl: string;
  slackChannel: string;
  botToken: string;
  signingSecret: string;
  host: string;
  port: string;
  security: 'tls' | 'starttls' | 'none';
  username: string;
  password: string;
  from: string;
  to: string[];
  events: ChannelRow['events'];
  connections: string[];
  groups: string[];
  includeSql: boolean;
}

export function formOf(row: ChannelRow | null): ChannelForm {
  const config = row?.config;
  const email = config?.kind === 'email' ? config : null;
  return {
    name: row?.name ?? '',
    kind: row?.kind ?? 'webhook',
    url: config?.kind === 'webhook' ? config.url : '',
    teamsUrl: '',
    slackChannel: config?.kind === 'slack' ? config.channel : '',
    botToken: '',
    signingSecret: '',
    host: email?.host ?? '',
    port: String(email?.port ?? 587),
    security: email?.security ?? 'starttls',
    username: email?.username ?? '',
    password: '',
    from: email?.from ?? '',
    to: email?.to ?? [],
    events: row?.events ?? USUAL_EVENTS,
    connections: row?.connections ?? [],
    groups: row?.groups ?? [],
    includeSql: row?.includeSql ?? false,
  };
}

/** The form as the API takes it. An untouched secret is left out, which keeps the stored one. */
export function draftOf(form: ChannelForm, row: ChannelRow | null): ChannelDraft {
  const { name, events, connections, groups, includeSql } = form;
  return {
    ...(row === null ? {} : { id: row.id }),
    name: name.trim(),
    target: targetOf(form),
    events,
    connections,
    groups,
    includeSql,
  };
}

function targetOf(form: ChannelForm): ChannelDraft['target'] {
  switch (form.kind) {
    case 'webhook':
      return { kind: form.kind, url: form.url.trim() };
    case 'slack':
      return {
        kind: form.kind,
        channel: form.slackChannel.trim(),
        ...(form.botToken === '' ? {} : { botToken: form.botToken.trim() }),
        ...(form.signingSecret === '' ? {} : { signingSecret: form.signingSecret.trim() }),
      };
    case 'teams':
      return { kind: form.kind, ...(form.teamsUrl === '' ? {} : { url: form.teamsUrl.trim() }) };
    case 'email':
      return {
        kind: form.kind,
        host: form.host.trim(),
        port: Number(form.port),
        security: form.security,
        username: form.username.trim() || null,
        ...(form.password === '' ? {} : { password: form.password }),
        from: form.from.trim(),
        to: form.to,
      };
    default:
      return form.kind satisfies never;
  }
}
