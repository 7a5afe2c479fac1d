'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { BellOff, BellRing, KeyRound, type LucideIcon, Mail, MessagesSquare, Pencil, Send, Trash2, Webhook } from 'lucide-react';
import { useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '../../data/trpc';
import type { ChannelRow } from '../../data/types';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { cx } from '../../ui/classes';
import { ConfirmDialog } from '../../ui/confirm';
import { ErrorState } from '../../ui/states';
import { Time } from '../../ui/time';
import { EVENT_WORDS, KIND_WORDS, targetWords } from './events';

const ICONS: Record<ChannelRow['kind'], LucideIcon> = { webhook: Webhook, slack: MessagesSquare, teams: MessagesSquare, email: Mail };

interface ChannelProps {
  row: ChannelRow;
  isAdmin: boolean;
  onEdit: () => void;
  onSecret: (channel: string, secret: string) => void;
}

/** One channel: where it goes, what it carries, how it does, and what an administrator can do with it. */
export function Channel({ row, isAdmin, onEdit, onSecret }: ChannelProps) {
  const Icon = ICONS[row.kind];
  const off = row.disabledAt !== null;
  return (
    <li className={cx('flex flex-wrap items-start gap-x-5 gap-y-3 px-4 py-4 sm:px-5', off && 'text-ink-3')}>
      <span className="grid size-9 shrink-0 place-items-center rounded-lg bg-accent-soft text-accent-text">
        <Icon className="size-4.5" aria-hidden />
      </span>
      <div className="grid min-w-0 flex-1 basis-56 gap-1">
        <h2 className="flex flex-wrap items-center gap-2 text-base font-semibold">
          {row.name}
          <Badge>{KIND_WORDS[row.kind]}</Badge>
          {off ? <Badge tone="deny">Off{row.disabledWhy === null ? '' : `: ${row.disabledWhy}`}</Badge> : null}
          {row.dead > 0 ? <Badge tone="deny">{row.dead} given up</Badge> : null}
          {row.pending > 0 ? <Badge tone="hold">{row.pending} waiting</Badge> : null}
        </h2>
        <p className="break-all font-mono text-xs text-ink-2">{targetWords(row)}</p>
        <p className="text-xs text-ink-3">
          {row.events.length > 3 ? `${row.events.length} events` : row.events.map((kind) => EVENT_WORDS[kind]).join(', ')} ·{' '}
          {row.connections.length === 0 ? 'all connections' : row.connections.join(', ')} ·{' '}
          {row.groups.length === 0 ? 'all reviewers' : `reviewers in ${row.groups.join(', ')}`} ·{' '}
          {row.includeSql ? 'with SQL text' : 'without literals'}
          {row.lastDeliveredAt === null ? null : (
            <>
              {' '}
              · last delivered <Time at={row.lastDeliveredAt} quiet />
            </>
          )}
        </p>
      </div>
      {isAdmin ? <Doings row={row} onEdit={onEdit} onSecret={onSecret} /> : null}
    </li>
  );
}

function Doings({ row, onEdit, onSecret }: Omit<ChannelProps, 'isAdmin'>) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [removing, setRemoving] = useState(false);
  const refresh = () => void queryClient.invalidateQueries({ queryKey: trpc.notifications.pathKey() });
  const failed = (what: string) => (error: { message: string }) => toast.error(`${what}: ${error.message}`);
  const test = useMutation(
    trpc.notifications.test.mutationOptions({
      onSuccess: ({ delivered, error }) =>
        delivered ? toast.success(`${row.name} took the test message`) : toast.error(`The test message was not delivered: ${error ?? ''}`),
      onError: failed('The test message was not sent'),
    }),
  );
  const enable = useMutation(
    trpc.notifications.enable.mutationOptions({ onSuccess: refresh, onError: failed('The channel was not changed') }),
  );
  const rotate = useMutation(
    trpc.notifications.rotate.mutationOptions({
      onSuccess: ({ secret }) => onSecret(row.name, secret),
      onError: failed('The secret was not changed'),
    }),
  );
  const remove = useMutation(
    trpc.notifications.remove.mutationOptions({
      onSuccess: () => {
        toast.success(`Channel ${row.name} removed`);
        refresh();
      },
    }),
  );
  const off = row.disabledAt !== null;
  return (
    <div className="flex flex-wrap gap-2">
      <Button size="sm" onClick={() => test.mutate({ id: row.id })} busy={test.isPending} aria-label={`Send a test message to ${row.name}`}>
        <Send aria-hidden />
        Send a test message
      </Button>
      {row.kind === 'webhook' ? (
        <Button
          size="sm"
          onClick={() => rotate.mutate({ id: row.id })}
          busy={rotate.isPending}
          aria-label={`New signing secret for ${row.name}`}
        >
          <KeyRound aria-hidden />
          New secret
        </Button>
      ) : null}
      <Button
        size="sm"
        onClick={() => enable.mutate({ id: row.id, enabled: off })}
        busy={enable.isPending}
        aria-label={`Switch ${row.name} ${off ? 'on' : 'off'}`}
      >
        {off ? <BellRing aria-hidden /> : <BellOff aria-hidden />}
        {off ? 'Switch on' : 'Switch off'}
      </Button>
      <Button size="sm" onClick={onEdit} aria-label={`Edit ${row.name}`}>
        <Pencil aria-hidden />
        Edit
      </Button>
      <Button
        size="sm"
        look="ghost"
        className="text-deny hover:text-deny"
        onClick={() => setRemoving(true)}
        aria-label={`Remove ${row.name}`}
      >
        <Trash2 aria-hidden />
        Remove
      </Button>
      <ConfirmDialog
        open={removing}
        onClose={() => setRemoving(false)}
        title={`Remove channel ${row.name}?`}
        body="It is told of nothing more, and its secrets and deliveries are deleted."
        confirm="Remove channel"
        busy={remove.isPending}
        onConfirm={() => remove.mutate({ id: row.id })}
      >
        {remove.error ? <ErrorState compact what="The channel was not removed" error={remove.error} /> : null}
      </ConfirmDialog>
    </div>
  );
}
