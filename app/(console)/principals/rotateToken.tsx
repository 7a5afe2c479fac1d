'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTRPC } from '../../data/trpc';
import type { TokenRow } from '../../data/types';
import { ConfirmDialog } from '../../ui/confirm';
import { CopyLine } from '../../ui/copy';
import { Field, Select } from '../../ui/field';
import { ErrorState } from '../../ui/states';
import { Time } from '../../ui/time';

const HOUR_MS = 3_600_000;
const OVERLAPS = [
  { ms: HOUR_MS, name: '1 hour' },
  { ms: 24 * HOUR_MS, name: '1 day' },
  { ms: 7 * 24 * HOUR_MS, name: '7 days' },
  { ms: 0, name: 'no time: it ends now' },
];

/** Makes a token's successor, and shows it this once. */
export function RotateToken({ token, onClose }: { token: TokenRow; onClose: () => void }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [overlapMs, setOverlapMs] = useState(HOUR_MS);
  const rotate = useMutation(
    trpc.tokens.rotate.mutationOptions({ onSuccess: () => void queries.invalidateQueries({ queryKey: trpc.tokens.pathKey() }) }),
  );
  if (rotate.data !== undefined)
    return (
      <ConfirmDialog
        open
        onClose={onClose}
        onConfirm={onClose}
        title="Copy the new one now"
        body={
          <>
            It is shown this once. The one ending in {token.hint} works until <Time at={rotate.data.oldWorksUntil} as="full" />.
          </>
        }
        confirm="Done"
      >
        <CopyLine text={rotate.data.secret} label="token" />
      </ConfirmDialog>
    );
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      onConfirm={() => rotate.mutate({ id: token.id, overlapMs })}
      title="Rotate token?"
      body="A new one is made with the same label, connections and lifetime. Both work for a while, so that nothing has to pause."
      confirm="Make the new one"
      busy={rotate.isPending}
    >
      <Field label={`The one ending in ${token.hint} goes on working for`}>
        <Select value={String(overlapMs)} onChange={(event) => setOverlapMs(Number(event.target.value))}>
          {OVERLAPS.map((one) => (
            <option key={one.ms} value={one.ms}>
              {one.name}
            </option>
          ))}
        </Select>
      </Field>
      {rotate.error ? (
        <ErrorState compact what="The token was not rotated" error={rotate.error} effect="The old one works as before." />
      ) : null}
    </ConfirmDialog>
  );
}
