'use client';
import { CircleAlert } from 'lucide-react';
import { type ComponentProps, createContext, type ReactNode, useContext, useId } from 'react';
import { cx } from './classes';

interface FieldIds {
  id: string;
  describedBy: string | undefined;
  invalid: boolean;
}
const FieldContext = createContext<FieldIds | null>(null);

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  children: ReactNode;
  className?: string;
  optional?: boolean;
}

/** A label, its control, a hint and an inline error, tied together for assistive technology. */
export function Field({ label, hint, error, children, className, optional }: FieldProps) {
  const id = useId();
  const describedBy = [hint ? `${id}-hint` : '', error ? `${id}-error` : ''].filter(Boolean).join(' ') || undefined;
  return (
    <FieldContext value={{ id, describedBy, invalid: error !== undefined }}>
      <div className={cx('grid gap-1.5 content-start', className)}>
        <label htmlFor={id} className="text-sm font-medium text-ink">
          {label}
          {optional ? <span className="ml-1.5 font-normal text-ink-3">optional</span> : null}
        </label>
        {children}
        {hint ? (
          <p id={`${id}-hint`} className="text-xs text-ink-3">
            {hint}
          </p>
        ) : null}
        {error ? (
          <p id={`${id}-error`} role="alert" className="flex items-start gap-1.5 text-xs text-deny">
            <CircleAlert className="mt-0.5 size-3.5 shrink-0" aria-hidden />
            {error}
          </p>
        ) : null}
      </div>
    </FieldContext>
  );
}

const control =
  'w-full min-w-0 rounded-lg border border-line-strong/70 bg-surface px-3 text-sm text-ink transition-colors hover:border-line-strong focus-visible:outline-offset-0 focus-visible:border-ring disabled:opacity-60 aria-invalid:border-deny max-sm:text-base';

function useFieldProps() {
  const field = useContext(FieldContext);
  if (field === null) return {};
  return { id: field.id, 'aria-describedby': field.describedBy, 'aria-invalid': field.invalid || undefined };
}

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return (
    <input {...useFieldProps()} autoComplete="off" spellCheck={false} className={cx(control, 'h-9 max-sm:h-11', className)} {...rest} />
  );
}

export function Textarea({ className, ...rest }: ComponentProps<'textarea'>) {
  return <textarea {...useFieldProps()} spellCheck={false} className={cx(control, 'min-h-20 py-2 leading-relaxed', className)} {...rest} />;
}

/** The platform's own select: it opens as the device's people expect and needs no script. */
export function Select({ className, children, ...rest }: ComponentProps<'select'>) {
  return (
    <select
      {...useFieldProps()}
      className={cx(
        control,
        'h-9 max-sm:h-11 appearance-none bg-no-repeat bg-[right_0.6rem_center] bg-[length:0.7rem] pr-8',
        'bg-[url("data:image/svg+xml,%3Csvg%20xmlns=%27http://www.w3.org/2000/svg%27%20viewBox=%270%200%2012%208%27%20fill=%27none%27%20stroke=%27%2388837a%27%20stroke-width=%271.8%27%3E%3Cpath%20d=%27M1%201.5l5%205%205-5%27/%3E%3C/svg%3E")]',
        className,
      )}
      {...rest}
    >
      {children}
    </select>
  );
}

/** A checkbox with its words beside it; the whole line is the target. */
export function Check({ label, hint, className, ...rest }: ComponentProps<'input'> & { label: ReactNode; hint?: ReactNode }) {
  return (
    <label className={cx('flex items-start gap-2.5 py-1.5 max-sm:min-h-11 text-sm', className)}>
      <input type="checkbox" className="mt-0.5 size-4 shrink-0 accent-(--accent)" {...rest} />
      <span>
        {label}
        {hint ? <span className="block text-xs text-ink-3">{hint}</span> : null}
      </span>
    </label>
  );
}
