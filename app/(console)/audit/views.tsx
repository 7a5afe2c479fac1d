'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { BookmarkPlus, EllipsisVertical, Pencil, RefreshCw, Trash2, Users } from 'lucide-react';
import { useState } from 'react';
import { toast } from 'sonner';
import { useIsAdmin } from '../../data/me';
import { useTRPC } from '../../data/trpc';
import type { ViewRow } from '../../data/types';
import { Button } from '../../ui/button';
import { cx } from '../../ui/classes';
import { ConfirmDialog } from '../../ui/confirm';
import { Menu, MenuItem } from '../../ui/menu';
import { ErrorState, Skeleton } from '../../ui/states';
import type { AuditState } from './useAuditState';
import { ViewEditor } from './viewEditor';
import { isView, searchOfView, viewOfState } from './viewState';

/** Kept searches: one's own, and those that others share. A press puts one into the URL, and with it on the page. */
export function SavedViews({ audit }: { audit: AuditState }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const isAdmin = useIsAdmin();
  const [editing, setEditing] = useState<ViewRow | 'new' | null>(null);
  const [removing, setRemoving] = useState<ViewRow | null>(null);
  const views = useQuery(trpc.views.list.queryOptions(undefined, { staleTime: 30_000 }));
  const reread = () => void queryClient.invalidateQueries({ queryKey: trpc.views.pathKey() });
  const update = useMutation(
    trpc.views.save.mutationOptions({
      onSuccess: () => {
        toast.success('View updated to what the page shows');
        reread();
      },
      onError: (error) => toast.error(`The view was not updated: ${error.message}`),
    }),
  );
  const remove = useMutation(
    trpc.views.remove.mutationOptions({
      onSuccess: () => {
        setRemoving(null);
        reread();
      },
    }),
  );
  return (
    <section aria-label="Saved views" className="grid grid-cols-1 gap-1">
      <div className="flex h-8 items-center justify-between pl-2 max-lg:h-11">
        <h2 className="text-xs font-medium text-ink-2">Saved views</h2>
        <Button
          look="ghost"
          size="icon"
          className="size-7"
          aria-label="Save this view"
          title="Save this view"
          onClick={() => setEditing('new')}
        >
          <BookmarkPlus aria-hidden />
        </Button>
      </div>
      {views.error && !views.data ? (
        <ErrorState compact what="The views could not be loaded" error={views.error} onRetry={() => void views.refetch()} />
      ) : null}
      {views.isPending ? <Skeleton className="mx-2 h-14" /> : null}
      {views.data?.length === 0 ? <p className="px-2 pb-1 text-xs text-ink-3">Save a search to come back to it with one press.</p> : null}
      <ul className="grid grid-cols-1 gap-px">
        {views.data?.map((view) => (
          <li key={view.id} className="flex items-center">
            <button
              type="button"
              aria-current={isView(view, audit.state) ? 'true' : undefined}
              title={view.own ? view.q : `${view.q} (shared by ${view.ownerName})`}
              onClick={() => void audit.setState({ ...searchOfView(view), tab: null, stm: null, live: null })}
              className={cx(
                'flex h-8 min-w-0 flex-1 items-center gap-1.5 rounded-md px-2 text-left text-sm hover:bg-hover max-lg:h-11',
                isView(view, audit.state) && 'bg-accent-soft font-semibold text-accent-text hover:bg-accent-soft',
              )}
            >
              <span className="min-w-0 flex-1 truncate">{view.name}</span>
              {view.shared ? (
                <>
                  <Users className="size-3.5 shrink-0 text-ink-3" aria-hidden />
                  <span className="sr-only">{view.own ? ', shared by you' : `, shared by ${view.ownerName}`}</span>
                </>
              ) : null}
            </button>
            {view.own || isAdmin ? (
              <Menu
                label={`View ${view.name}`}
                trigger={
                  <Button look="ghost" size="icon" className="size-7" aria-label={`Actions of view ${view.name}`}>
                    <EllipsisVertical aria-hidden />
                  </Button>
                }
              >
                {view.own ? (
                  <>
                    <MenuItem
                      onSelect={() => update.mutate({ ...viewOfState(audit.state), id: view.id, name: view.name, shared: view.shared })}
                    >
                      <RefreshCw aria-hidden />
                      Update to this search
                    </MenuItem>
                    <MenuItem onSelect={() => setEditing(view)}>
                      <Pencil aria-hidden />
                      Rename or share
                    </MenuItem>
                  </>
                ) : null}
                <MenuItem onSelect={() => setRemoving(view)}>
                  <Trash2 aria-hidden />
                  Remove view
                </MenuItem>
              </Menu>
            ) : null}
          </li>
        ))}
      </ul>
      {editing === null ? null : (
        <ViewEditor view={editing === 'new' ? null : editing} state={audit.state} onClose={() => setEditing(null)} />
      )}
      <ConfirmDialog
        open={removing !== null}
        onClose={() => setRemoving(null)}
        onConfirm={() => removing && remove.mutate({ id: removing.id })}
        title={`Remove view ${removing?.name ?? ''}?`}
        body={removing?.shared ? 'It goes for everybody. No statement is touched.' : 'No statement is touched.'}
        confirm="Remove view"
        busy={remove.isPending}
        error={remove.error ? <ErrorState compact what="The view was not removed" error={remove.error} /> : null}
      />
    </section>
  );
}
