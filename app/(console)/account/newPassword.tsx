'use client';
import { useState } from 'react';
import { Field, Input } from '../../ui/field';

export interface PasswordDraft {
  value: string;
  set(value: string): void;
  again: string;
  setAgain(again: string): void;
  differs: boolean;
  /** Whether both say the same; says so under the second otherwise. */
  agrees(): boolean;
}

export function useNewPassword(): PasswordDraft {
  const [value, set] = useState('');
  const [again, setAgain] = useState('');
  const [differs, setDiffers] = useState(false);
  return {
    ...{ value, set, again, setAgain },
    differs: differs && value !== again,
    agrees() {
      setDiffers(value !== again);
      return value === again;
    },
  };
}

/** A password that is chosen; the gateway says whether it is one. */
export function NewPassword({ of, error }: { of: PasswordDraft; error: string | undefined }) {
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="New password" hint="At least 12 characters. A few words of your own are good." error={error}>
        <Input
          type="password"
          autoComplete="new-password"
          required
          maxLength={1_000}
          value={of.value}
          onChange={(event) => of.set(event.target.value)}
        />
      </Field>
      <Field label="New password again" error={of.differs ? 'not the same as the first' : undefined}>
        <Input
          type="password"
          autoComplete="new-password"
          required
          maxLength={1_000}
          value={of.again}
          onChange={(event) => of.setAgain(event.target.value)}
        />
      </Field>
    </div>
  );
}
