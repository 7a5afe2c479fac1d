'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '../../../data/trpc';
import type { SessionRow } from '../../../data/types';
import { ConfirmDialog } from '../../../ui/confirm';
import { Field, Input } from '../../../ui/field';
import { ErrorState } from '../../../ui/states';

export function Terminate({ session, open, onClose }: { session: SessionRow; open: boolean; onClose: () => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [reason, setReason] = useState('');
  const kill = useMutation(
    trpc.sessions.kill.mutationOptions({
      onSuccess: () => {
        toast.success('Session is being terminated');
        void queryClient.invalidateQueries({ queryKey: trpc.sessions.pathKey() });
        onClose();
      },
    }),
  );
  return (
    <ConfirmDialog
      open={open}
      onClose={onClose}
      title="Terminate session?"
      body={`${session.principalName} is disconnected from ${session.connectionName} with SQLSTATE 57P01. A statement that is running is canceled and an open transaction rolls back.`}
      confirm="Terminate session"
      busy={kill.isPending}
      onConfirm={() => kill.mutate({ id: session.id, reason: reason.trim() || null })}
    >
      <div className="grid gap-3">
        <Field label="Reason" optional hint="Kept in the audit.">
          <Input value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
        </Field>
        {kill.error ? <ErrorState compact what="The session was not terminated" error={kill.error} effect="It goes on." /> : null}
      </div>
    </ConfirmDialog>
  );
}
