'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Check, Fingerprint, Info, TriangleAlert, X } from 'lucide-react';
import Link from 'next/link';
import { useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '../../data/trpc';
import type { ApprovalScope, RequestDetail } from '../../data/types';
import { signWithPasskey } from '../../passkeys/ceremony';
import { Elsewhere, useIsAt } from '../../passkeys/elsewhere';
import { Button } from '../../ui/button';
import { ConfirmDialog } from '../../ui/confirm';
import { Field, Textarea } from '../../ui/field';
import { sentence } from '../../ui/states';
import { ONCE, ScopeChoice } from './scope';

/** Sends a decision and shows what the server made of it; nothing is assumed before it answers. */
export function useDecide(request: RequestDetail | undefined) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [rejecting, setRejecting] = useState(false);
  const [chosen, setChosen] = useState<{ id: string; scope: ApprovalScope } | null>(null);
  // Another request is another decision: it starts with one run.
  const scope = chosen !== null && chosen.id === request?.id ? chosen.scope : ONCE;
  const settle = (detail: RequestDetail) => {
    queryClient.setQueryData(trpc.approvals.get.queryKey({ id: detail.id }), detail);
    void queryClient.invalidateQueries({ queryKey: trpc.approvals.list.pathKey() });
    void queryClient.invalidateQueries({ queryKey: trpc.approvals.stats.queryKey() });
  };
  // After a conflict the card must show what really happened.
  const reread = () => void queryClient.invalidateQueries({ queryKey: trpc.approvals.pathKey() });
  const confirm = useMutation(trpc.approvals.confirmApproval.mutationOptions());
  const send = useMutation(trpc.approvals.approve.mutationOptions());
  const approve = useMutation({
    mutationFn: async ({ passkey, ...decision }: { id: string; scope: ApprovalScope; passkey: boolean }) => {
      if (!passkey) return send.mutateAsync(decision);
      const confirmation = await signWithPasskey(await confirm.mutateAsync(decision));
      return send.mutateAsync({ ...decision, confirmation });
    },
    onSuccess: (detail: RequestDetail) => {
      settle(detail);
      toast.success(
        detail.status === 'pending'
          ? `Approval ${detail.approvals} of ${detail.required} recorded`
          : detail.grantId === null
            ? 'Statement approved'
            : 'Statement approved, and a grant made',
      );
    },
    onError: reread,
  });
  const reject = useMutation(
    trpc.approvals.reject.mutationOptions({
      onSuccess: (detail) => {
        setRejecting(false);
        settle(detail);
        toast.success('Statement rejected. Nothing was executed.');
      },
      onError: (error) => {
        if (error.data?.code === 'CONFLICT') setRejecting(false);
        reread();
      },
    }),
  );
  const may = request !== undefined && request.status === 'pending' && request.mayDecide.allowed && !approve.isPending && !reject.isPending;
  return {
    approve,
    reject,
    rejecting,
    setRejecting,
    may,
    scope,
    setScope: (next: ApprovalScope) => {
      if (request !== undefined) setChosen({ id: request.id, scope: next });
    },
    startApprove: () => {
      if (may && request.passkey?.own !== 0) approve.mutate({ id: request.id, scope, passkey: request.passkey !== null });
    },
    startReject: () => {
      if (may) setRejecting(true);
    },
  };
}

export type Decide = ReturnType<typeof useDecide>;

/** Stays in view under the card: the two decisions, or why they are not yours. */
export function DecideBar({ request, decide }: { request: RequestDetail; decide: Decide }) {
  const { approve, reject } = decide;
  const failed =
    approve.variables?.id === request.id && approve.error ? approve.error : reject.variables?.id === request.id ? reject.error : null;
  if (request.status !== 'pending' && failed === null) return null;
  return (
    <div className="sticky bottom-0 grid gap-2.5 border-t bg-raised px-5 py-3.5 max-sm:px-4">
      {failed ? (
        <p role="alert" className="flex items-start gap-2 rounded-lg bg-hold-soft px-3 py-2 text-sm text-hold">
          <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
          <span>{sentence(failed.message)} Your decision was not recorded.</span>
        </p>
      ) : null}
      {request.status !== 'pending' ? null : request.mayDecide.allowed ? (
        <>
          {request.passkey === null ? null : <PasskeyAsked passkey={request.passkey} />}
          <ScopeChoice request={request} scope={decide.scope} onChange={decide.setScope} disabled={approve.isPending || reject.isPending} />
          <div className="flex gap-2.5">
            <Button
              look="approve"
              size="lg"
              className="min-w-0 flex-1 px-2 max-sm:text-sm max-[23rem]:[&_svg]:hidden"
              onClick={decide.startApprove}
              busy={approve.isPending}
              disabled={reject.isPending || request.passkey?.own === 0}
            >
              {approve.isPending ? null : request.passkey === null ? <Check aria-hidden /> : <Fingerprint aria-hidden />}
              Approve statement
            </Button>
            <Button
              look="reject"
              size="lg"
              className="min-w-0 flex-1 px-2 max-sm:text-sm max-[23rem]:[&_svg]:hidden"
              onClick={decide.startReject}
              disabled={approve.isPending}
            >
              <X aria-hidden />
              Reject statement
            </Button>
          </div>
        </>
      ) : (
        <CannotDecide request={request} />
      )}
    </div>
  );
}

/** Its rule asks for a passkey: whoever has none is told where to get one. */
function PasskeyAsked({ passkey: { own, origin, whyNot } }: { passkey: NonNullable<RequestDetail['passkey']> }) {
  const isHere = useIsAt(origin);
  return (
    <p className="flex items-start gap-2 text-sm text-ink-2">
      <Fingerprint className="mt-0.5 size-4 shrink-0 text-ink-3" aria-hidden />
      {whyNot !== null ? (
        `The rule asks for a passkey, and here nobody can use one: ${sentence(whyNot)}`
      ) : origin !== null && !isHere ? (
        <span>
          The rule asks for a passkey. <Elsewhere origin={origin} />
        </span>
      ) : own > 0 ? (
        'The rule asks for your passkey: your browser asks for it when you approve.'
      ) : (
        <span>
          The rule asks for a passkey, and you have none. Register one under{' '}
          <Link href="/account" className="text-accent-text underline underline-offset-4">
            Your account
          </Link>
          ; rejecting needs none.
        </span>
      )}
    </p>
  );
}

function CannotDecide({ request }: { request: RequestDetail }) {
  const { why, who } = request.mayDecide;
  return (
    <div className="flex items-start gap-2.5 rounded-lg bg-sunken px-3 py-2.5 text-sm">
      <Info className="mt-0.5 size-4 shrink-0 text-ink-3" aria-hidden />
      <div>
        <p className="font-medium">{sentence(why)}</p>
        <p className="text-ink-2">
          {who.length === 0
            ? 'Nobody else can decide it yet: an administrator has to add a reviewer.'
            : `Can decide it: ${who.join(', ')}.`}
        </p>
      </div>
    </div>
  );
}

/** A rejection reaches the client as DETAIL, so it has to say something. */
export function RejectDialog({ request, decide }: { request: RequestDetail; decide: Decide }) {
  const [reason, setReason] = useState('');
  const [asked, setAsked] = useState(false);
  const missing = asked && reason.trim() === '';
  const error =
    decide.reject.error && decide.reject.error.data?.code !== 'CONFLICT'
      ? `${sentence(decide.reject.error.message)} The request is unchanged.`
      : undefined;
  return (
    <ConfirmDialog
      open={decide.rejecting}
      onClose={() => {
        decide.setRejecting(false);
        setAsked(false);
      }}
      title="Reject statement"
      body={
        <>
          <b className="font-semibold text-ink">{request.principalName}</b> gets an error with your reason. Nothing is executed.
        </>
      }
      confirm="Reject statement"
      busy={decide.reject.isPending}
      onConfirm={() => {
        setAsked(true);
        if (reason.trim() !== '') decide.reject.mutate({ id: request.id, reason: reason.trim() });
      }}
    >
      <Field
        label="Reason"
        hint="The client sees it as DETAIL; it is kept in the audit."
        error={missing ? 'Say why: the client sees it.' : error}
      >
        <Textarea
          autoFocus
          required
          maxLength={1000}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.metaKey || event.ctrlKey) && reason.trim() !== '')
              decide.reject.mutate({ id: request.id, reason: reason.trim() });
          }}
          placeholder="e.g. Archive the rows first, see INC-42."
        />
      </Field>
    </ConfirmDialog>
  );
}
