'use client';
import { Field, Input, Select } from '../../ui/field';
import type { ConnectionForm } from './draft';

interface Props {
  form: ConnectionForm;
  set: (change: Partial<ConnectionForm>) => void;
  error: (path: string) => string | undefined;
}

const Verdicts = () => (
  <>
    <option value="allow">Allow</option>
    <option value="hold">Hold for approval</option>
    <option value="deny">Deny</option>
  </>
);

/** What a connection decides by itself, and its limits. */
export function PolicyFields({ form, set, error }: Props) {
  return (
    <>
      <fieldset className="grid gap-4 border-t pt-4 sm:grid-cols-2">
        <legend className="sr-only">Policy</legend>
        <Field label="When no rule matches" error={error('default')}>
          <Select value={form.default} onChange={(event) => set({ default: event.target.value as ConnectionForm['default'] })}>
            <Verdicts />
          </Select>
        </Field>
        <Field label="When effects cannot be known" hint="DO, dynamic SQL, unknown functions." error={error('opaque')}>
          <Select value={form.opaque} onChange={(event) => set({ opaque: event.target.value as ConnectionForm['opaque'] })}>
            <Verdicts />
          </Select>
        </Field>
        <Field label="Superuser or BYPASSRLS role" hint="Such a role can read what masking hides." error={error('superuser')}>
          <Select value={form.superuser} onChange={(event) => set({ superuser: event.target.value as ConnectionForm['superuser'] })}>
            <option value="refuse">Refuse</option>
            <option value="allow">Allow anyway</option>
          </Select>
        </Field>
        <Field label="Record results" hint="Not built yet: statements are recorded, their results are not." error={error('record')}>
          <Select value={form.record} onChange={(event) => set({ record: event.target.value as ConnectionForm['record'] })}>
            <option value="off">Off</option>
            <option value="masked">Masked results</option>
          </Select>
        </Field>
      </fieldset>
      <fieldset className="grid gap-4 border-t pt-4 sm:grid-cols-3">
        <legend className="sr-only">Limits</legend>
        <Field label="Most rows" hint="Not enforced yet." optional error={error('limits.maxRows')}>
          <Input
            inputMode="numeric"
            value={form.maxRows}
            onChange={(event) => set({ maxRows: event.target.value })}
            placeholder="no limit"
          />
        </Field>
        <Field label="Timeout (s)" optional error={error('limits.statementTimeoutMs')}>
          <Input
            inputMode="decimal"
            value={form.statementTimeoutS}
            onChange={(event) => set({ statementTimeoutS: event.target.value })}
            placeholder="no limit"
          />
        </Field>
        <Field label="Most sessions" optional error={error('limits.maxSessions')}>
          <Input
            inputMode="numeric"
            value={form.maxSessions}
            onChange={(event) => set({ maxSessions: event.target.value })}
            placeholder="no limit"
          />
        </Field>
      </fieldset>
    </>
  );
}
