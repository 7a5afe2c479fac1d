'use client';
import { Field, Input, Select } from '../../ui/field';
import { Names } from '../../ui/names';
import type { ChannelForm } from './form';

interface Props {
  form: ChannelForm;
  set: (change: Partial<ChannelForm>) => void;
  error: (path: string) => string | undefined;
  /** The channel exists: its secrets are stored, and an empty field keeps them. */
  stored: boolean;
}

/** What each kind of channel needs to reach its receiver. */
export function TargetFields({ form, set, error, stored }: Props) {
  const secret = (field: 'botToken' | 'signingSecret' | 'teamsUrl' | 'password') => ({
    type: 'password',
    autoComplete: 'new-password',
    value: form[field],
    onChange: (event: { target: { value: string } }) => set({ [field]: event.target.value }),
  });
  const kept = stored ? 'One is stored. Leave empty to keep it.' : 'Encrypted at rest, never shown again.';
  switch (form.kind) {
    case 'webhook':
      return (
        <Field
          label="Address"
          hint="HTTPS. Messages are signed as Standard Webhooks says; the signing secret is shown once, after saving."
          error={error('target.url')}
        >
          <Input
            value={form.url}
            onChange={(event) => set({ url: event.target.value })}
            placeholder="https://hooks.example.com/gatehouse"
          />
        </Field>
      );
    case 'slack':
      return (
        <>
          <p className="text-sm text-ink-2">
            A Slack app of your own, with the bot scopes chat:write, users:read and users:read.email, and this console’s address followed by{' '}
            <code className="font-mono text-xs">/api/slack/interactions</code> as its interactivity request URL.
          </p>
          <Field label="Channel ID" hint="In Slack under “View channel details”. The bot must be a member." error={error('target.channel')}>
            <Input value={form.slackChannel} onChange={(event) => set({ slackChannel: event.target.value })} placeholder="C024BE91L" />
          </Field>
          <Field label="Bot token" hint={kept} error={error('target.botToken')}>
            <Input {...secret('botToken')} placeholder="xoxb-…" />
          </Field>
          <Field label="Signing secret" hint={kept} error={error('target.signingSecret')}>
            <Input {...secret('signingSecret')} />
          </Field>
        </>
      );
    case 'teams':
      return (
        <Field
          label="Workflow address"
          hint={`From the workflow “Post to a channel when a webhook request is received”. ${kept}`}
          error={error('target.url')}
        >
          <Input {...secret('teamsUrl')} placeholder="https://…logic.azure.com/workflows/…" />
        </Field>
      );
    case 'email':
      return (
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Mail server" error={error('target.host')}>
            <Input value={form.host} onChange={(event) => set({ host: event.target.value })} placeholder="smtp.example.com" />
          </Field>
          <Field label="Port" error={error('target.port')}>
            <Input inputMode="numeric" value={form.port} onChange={(event) => set({ port: event.target.value })} />
          </Field>
          <Field label="Security" error={error('target.security')} className="sm:col-span-2">
            <Select value={form.security} onChange={(event) => set({ security: event.target.value as ChannelForm['security'] })}>
              <option value="starttls">STARTTLS (usually port 587)</option>
              <option value="tls">TLS from the start (usually port 465)</option>
              <option value="none">None</option>
            </Select>
          </Field>
          <Field label="User name" optional error={error('target.username')}>
            <Input value={form.username} onChange={(event) => set({ username: event.target.value })} />
          </Field>
          <Field label="Password" optional hint={kept} error={error('target.password')}>
            <Input {...secret('password')} />
          </Field>
          <Field label="From" error={error('target.from')} className="sm:col-span-2">
            <Input
              value={form.from}
              onChange={(event) => set({ from: event.target.value })}
              placeholder="Gatehouse <gatehouse@example.com>"
            />
          </Field>
          <Field label="To" error={error('target.to')} className="sm:col-span-2">
            <Names values={form.to} onChange={(to) => set({ to })} placeholder="dba@example.com" />
          </Field>
        </div>
      );
    default:
      return form.kind satisfies never;
  }
}
