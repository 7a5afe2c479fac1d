'use client';
import { Field, Input, Select } from '../../ui/field';
import { Names } from '../../ui/names';
import { type ConnectionForm, LIMITS } from './draft';

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
        <Field label="Function call message" hint="Drivers use it for large objects." error={error('functionCall')}>
          <Select
            value={form.functionCall}
            onChange={(event) => set({ functionCall: event.target.value as ConnectionForm['functionCall'] })}
          >
            <option value="refuse">Refuse</option>
            <option value="judge">Judge as a SELECT of its function</option>
          </Select>
        </Field>
        <Field label="Journal" hint="What a statement waits for before it runs." error={error('audit')}>
          <Select value={form.audit} onChange={(event) => set({ audit: event.target.value as ConnectionForm['audit'] })}>
            <option value="">As the gateway is set</option>
            <option value="group">Written: survives a killed process</option>
            <option value="strict">Synced to disk: survives a killed machine</option>
          </Select>
        </Field>
        <Field label="Record results" hint="Rows as they leave, every mask applied, for the replay of a session." error={error('record')}>
          <Select value={form.record} onChange={(event) => set({ record: event.target.value as ConnectionForm['record'] })}>
            <option value="off">Off</option>
            <option value="masked">Masked results</option>
          </Select>
        </Field>
      </fieldset>
      <fieldset className="grid gap-4 border-t pt-4 sm:grid-cols-2">
        <legend className="sr-only">Access requests</legend>
        <Field
          label="Access on request, at most (h)"
          optional
          hint="Empty: access to it cannot be asked for."
          error={error('requestable.maxDurationMs')}
        >
          <Input
            inputMode="decimal"
            value={form.requestable.maxHours}
            onChange={(event) => set({ requestable: { ...form.requestable, maxHours: event.target.value } })}
            placeholder="not on request"
          />
        </Field>
        <Field label="Approvals it needs" error={error('requestable.count')}>
          <Input
            inputMode="numeric"
            value={form.requestable.count}
            disabled={form.requestable.maxHours === ''}
            onChange={(event) => set({ requestable: { ...form.requestable, count: event.target.value } })}
          />
        </Field>
        {form.requestable.maxHours === '' ? null : (
          <Field label="Decided by members of" error={error('requestable.groups')} className="sm:col-span-2">
            <Names
              values={form.requestable.groups}
              onChange={(groups) => set({ requestable: { ...form.requestable, groups } })}
              empty="Any reviewer."
            />
          </Field>
        )}
      </fieldset>
      <fieldset className="grid gap-4 border-t pt-4 sm:grid-cols-3">
        <legend className="sr-only">Limits</legend>
        {LIMITS.map(({ name, label, hint }) => (
          <Field key={name} label={label} hint={hint} optional error={error(`limits.${name}`)}>
            <Input
              inputMode="decimal"
              value={form.limits[name]}
              onChange={(event) => set({ limits: { ...form.limits, [name]: event.target.value } })}
              placeholder="no limit"
            />
          </Field>
        ))}
      </fieldset>
    </>
  );
}
