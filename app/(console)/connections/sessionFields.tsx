'use client';
import { Plus, X } from 'lucide-react';
import { useId } from 'react';
import type { SessionFact } from '../../../db/schema/shapes';
import { Button } from '../../ui/button';
import { Check, Input, Select } from '../../ui/field';
import type { SessionForm } from './credentialDraft';

const FACTS: readonly { fact: SessionFact; label: string }[] = [
  { fact: 'principal', label: 'who is asking' },
  { fact: 'owner', label: 'the person an agent acts for' },
  { fact: 'groups', label: 'their groups, as JSON' },
  { fact: 'session', label: 'the session’s id' },
];

/** What the upstream is told of who is there, for row-level security and its own log. */
export function SessionFields({ form, set, error }: { form: SessionForm; set: (form: SessionForm) => void; error: string | undefined }) {
  const id = useId();
  const change = (index: number, line: Partial<SessionForm['variables'][number]>) =>
    set({ ...form, variables: form.variables.map((one, at) => (at === index ? { ...one, ...line } : one)) });
  return (
    <fieldset className="grid gap-3 border-t pt-4" aria-describedby={`${id}-hint${error ? ` ${id}-error` : ''}`}>
      <legend className="sr-only">What the server is told</legend>
      <div className="grid gap-1">
        <p className="text-sm font-medium text-ink" aria-hidden>
          What the server is told <span className="ml-0.5 font-normal text-ink-3">optional</span>
        </p>
        <p id={`${id}-hint`} className="text-xs text-ink-3">
          Settings of its session that clients cannot change, e.g. for row-level security.
        </p>
      </div>
      {form.variables.length > 0 ? (
        <ul className="grid gap-2">
          {form.variables.map(({ name, fact }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line has no other name while it is typed.
            <li key={index} className="flex gap-2 max-sm:flex-wrap">
              <Input
                aria-label={`Setting ${index + 1}`}
                className="flex-1 font-mono text-xs max-sm:basis-full max-sm:text-base"
                placeholder="app.user"
                value={name}
                onChange={(event) => change(index, { name: event.target.value })}
              />
              <Select
                aria-label={`What setting ${index + 1} carries`}
                className="flex-1"
                value={fact}
                onChange={(event) => change(index, { fact: event.target.value as SessionFact })}
              >
                {FACTS.map(({ fact: value, label }) => (
                  <option key={value} value={value}>
                    {label}
                  </option>
                ))}
              </Select>
              <Button
                size="icon"
                look="ghost"
                className="size-9 shrink-0 max-sm:size-11"
                aria-label={`Remove setting ${index + 1}`}
                onClick={() => set({ ...form, variables: form.variables.filter((_, at) => at !== index) })}
              >
                <X aria-hidden />
              </Button>
            </li>
          ))}
        </ul>
      ) : null}
      {error ? (
        <p id={`${id}-error`} role="alert" className="text-xs text-deny">
          {error}
        </p>
      ) : null}
      <div>
        <Button size="sm" onClick={() => set({ ...form, variables: [...form.variables, { name: '', fact: 'principal' }] })}>
          <Plus aria-hidden />
          Add setting
        </Button>
      </div>
      <Check
        label="Person and session behind the application"
        hint="It is then psql [ana ses_…] in pg_stat_activity and the server’s log."
        checked={form.person}
        onChange={(event) => set({ ...form, person: event.target.checked })}
      />
    </fieldset>
  );
}
