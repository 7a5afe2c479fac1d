'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ArrowDown, ArrowUp, BookCheck, Pencil, Plus } from 'lucide-react';
import { parseAsString, useQueryStates } from 'nuqs';
import { toast } from 'sonner';
import { useIsAdmin } from '../../data/me';
import { useTRPC } from '../../data/trpc';
import type { RuleRow } from '../../data/types';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { cx } from '../../ui/classes';
import { Page } from '../../ui/frame';
import { Empty, ErrorState, SkeletonRows } from '../../ui/states';
import { ActionBadge } from '../../ui/verdict';
import { CheckStatement } from './check';
import { RuleEditor } from './editor';
import { formFromStatement, formOf, matchText } from './form';

export function Rules() {
  const trpc = useTRPC();
  const isAdmin = useIsAdmin();
  const [state, setState] = useQueryStates({ rule: parseAsString, from: parseAsString, edit: parseAsString });
  const rules = useQuery(trpc.rules.list.queryOptions());
  const source = useQuery(trpc.audit.get.queryOptions({ id: state.from ?? '' }, { enabled: state.from !== null }));
  const edited = rules.data?.find((row) => row.name === state.edit) ?? null;
  const close = () => void setState({ edit: null, from: null });
  return (
    <Page
      wide
      title="Rules"
      about="Every rule is tried on every statement. The strictest match decides: deny over hold over allow. Order is for reading."
      actions={
        isAdmin ? (
          <Button look="primary" onClick={() => void setState({ edit: 'new', from: null })}>
            <Plus aria-hidden />
            Add rule
          </Button>
        ) : null
      }
    >
      <div className="grid items-start gap-6 xl:grid-cols-[minmax(0,1fr)_30rem]">
        <Card>
          {rules.error && !rules.data ? (
            <ErrorState
              what="The rules could not be loaded"
              error={rules.error}
              effect="They stay in force."
              onRetry={() => void rules.refetch()}
            />
          ) : null}
          {rules.isPending ? <SkeletonRows label="Loading rules" /> : null}
          {rules.data?.length === 0 ? (
            <Empty icon={BookCheck} title="No rule yet">
              Each connection’s default decides every statement.
            </Empty>
          ) : null}
          <ol className="divide-y">
            {rules.data?.map((row, index) => (
              <Row
                key={row.id}
                row={row}
                index={index}
                count={rules.data.length}
                isAdmin={isAdmin}
                marked={row.name === state.rule}
                onEdit={() => void setState({ edit: row.name })}
              />
            ))}
          </ol>
        </Card>
        <CheckStatement />
      </div>
      {state.from !== null && source.error ? (
        <ErrorState
          what={`${state.from} could not be read`}
          error={source.error}
          effect="No rule was made."
          onRetry={() => void source.refetch()}
        />
      ) : null}
      {state.edit === 'new' ? <RuleEditor rule={null} start={formOf(null)} onClose={close} /> : null}
      {edited ? <RuleEditor key={edited.id} rule={edited} start={formOf(edited)} onClose={close} /> : null}
      {state.from !== null && source.data && isAdmin ? (
        <RuleEditor rule={null} start={formFromStatement(source.data)} onClose={close} />
      ) : null}
    </Page>
  );
}

function Row({
  row,
  index,
  count,
  isAdmin,
  marked,
  onEdit,
}: {
  row: RuleRow;
  index: number;
  count: number;
  isAdmin: boolean;
  marked: boolean;
  onEdit: () => void;
}) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const move = useMutation(
    trpc.rules.move.mutationOptions({
      onSuccess: () => void queryClient.invalidateQueries({ queryKey: trpc.rules.pathKey() }),
      onError: (error) => toast.error(`The rule was not moved: ${error.message}`),
    }),
  );
  return (
    <li
      className={cx(
        'flex flex-wrap items-start gap-x-4 gap-y-2 px-4 py-3.5 sm:px-5',
        marked && 'bg-accent-soft',
        row.mode === 'off' && 'text-ink-3',
      )}
      aria-current={marked ? 'true' : undefined}
    >
      <span className="w-6 pt-0.5 text-right text-xs tabular-nums text-ink-3">{index + 1}</span>
      <div className="min-w-0 flex-1 basis-60">
        <h2 className="flex flex-wrap items-center gap-2">
          <span className="font-mono text-[0.8125rem] font-semibold">{row.name}</span>
          <ActionBadge action={row.action} />
          {row.mode === 'enforce' ? null : (
            <Badge tone={row.mode === 'observe' ? 'accent' : 'neutral'}>{row.mode === 'observe' ? 'Observe only' : 'Off'}</Badge>
          )}
        </h2>
        <p className="mt-1 break-words text-sm text-ink-2">{matchText(row.match)}</p>
        <p className="mt-1 flex flex-wrap gap-x-3 gap-y-1 text-xs text-ink-3">
          <span>{row.connections.length === 0 || row.connections.includes('*') ? 'all connections' : row.connections.join(', ')}</span>
          <span>{row.groups.length === 0 ? 'everyone' : `groups ${row.groups.join(', ')}`}</span>
          {row.approval ? (
            <span>
              {row.approval.count} {row.approval.count === 1 ? 'approval' : 'approvals'} from{' '}
              {row.approval.groups.join(' or ') || 'any reviewer'}
              {row.approval.passkey === 'required' ? (row.approval.count === 1 ? ', with a passkey' : ', each with a passkey') : ''}
            </span>
          ) : null}
          {row.approval?.breakGlass ? <span>break-glass for {row.approval.breakGlass.join(' and ')}</span> : null}
          {row.message ? <span>“{row.message}”</span> : null}
        </p>
      </div>
      {isAdmin ? (
        <div className="ml-auto flex gap-1">
          <Button
            look="ghost"
            size="icon"
            aria-label={`Move ${row.name} up`}
            disabled={index === 0 || move.isPending}
            onClick={() => move.mutate({ id: row.id, position: index - 1 })}
          >
            <ArrowUp aria-hidden />
          </Button>
          <Button
            look="ghost"
            size="icon"
            aria-label={`Move ${row.name} down`}
            disabled={index === count - 1 || move.isPending}
            onClick={() => move.mutate({ id: row.id, position: index + 1 })}
          >
            <ArrowDown aria-hidden />
          </Button>
          <Button size="sm" onClick={onEdit} aria-label={`Edit ${row.name}`}>
            <Pencil aria-hidden />
            Edit
          </Button>
        </div>
      ) : null}
    </li>
  );
}
