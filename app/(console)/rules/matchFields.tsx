'use client';
import { Check, Field, Input } from '../../ui/field';
import { Names } from '../../ui/names';
import type { FieldsProps } from './editor';

const COMMANDS = [
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'MERGE',
  'TRUNCATE',
  'DROP',
  'DROP TABLE',
  'ALTER',
  'ALTER ROLE',
  'CREATE',
  'GRANT',
  'COPY',
  'COPY PROGRAM',
  'DO',
  'CALL',
];
const EFFECTS =
  'read insert update delete merge truncate create alter drop grant role setting lock file program network notify admin transaction session opaque'.split(
    ' ',
  );

/** The conditions of a rule. */
export function MatchFields({ form, set, error }: FieldsProps) {
  return (
    <fieldset className="grid gap-4 border-t pt-4">
      <legend className="sr-only">Conditions</legend>
      <Field label="Commands" hint="A verb covers its objects: DROP covers DROP TABLE." error={error('match.statements')}>
        <Names
          mono
          values={form.statements}
          onChange={(statements) => set({ statements: statements.map((one) => one.toUpperCase()) })}
          suggestions={COMMANDS}
          placeholder="DELETE"
        />
      </Field>
      <Field label="Tables" hint="schema.table; * stands for any part." error={error('match.tables')}>
        <Names mono values={form.tables} onChange={(tables) => set({ tables })} placeholder="public.*" />
      </Field>
      <div className="grid gap-x-6 sm:grid-cols-2">
        <Check
          label="Rows not bounded"
          hint="UPDATE, DELETE or MERGE whose conditions pin no unique key."
          checked={form.unbounded}
          onChange={(event) => set({ unbounded: event.target.checked })}
        />
        {form.unbounded ? (
          <Check
            label="An indexed column is enough"
            hint="Bounded by any index, not only by a unique key."
            checked={form.byIndex}
            onChange={(event) => set({ byIndex: event.target.checked })}
          />
        ) : null}
        <Check
          label="Effects cannot be known"
          hint="DO, dynamic SQL, unknown functions."
          checked={form.opaque}
          onChange={(event) => set({ opaque: event.target.checked })}
        />
      </div>
      <details className="group" open={hasMore(form) || undefined}>
        <summary className="w-fit rounded text-sm text-accent-text underline-offset-4 hover:underline max-sm:min-h-11">
          More conditions
        </summary>
        <div className="mt-4 grid gap-4">
          <Field label="Effects" error={error('match.effects')}>
            <Names mono values={form.effects} onChange={(effects) => set({ effects })} suggestions={EFFECTS} placeholder="drop" />
          </Field>
          <Field label="Columns" hint="schema.table.column; * stands for any part." error={error('match.columns')}>
            <Names mono values={form.columns} onChange={(columns) => set({ columns })} placeholder="public.customers.ssn" />
          </Field>
          <Field label="Functions" error={error('match.functions')}>
            <Names mono values={form.functions} onChange={(functions) => set({ functions })} placeholder="pg_sleep" />
          </Field>
          <Field
            label="Text pattern"
            hint="A regular expression over the SQL, for what the grammar cannot name. Case does not matter."
            error={error('match.sql')}
          >
            <Input
              value={form.sql}
              onChange={(event) => set({ sql: event.target.value })}
              className="font-mono text-xs"
              placeholder="pg_sleep\s*\("
            />
          </Field>
          <Field label="Fingerprints" hint="Exact statement shapes, from the audit." error={error('match.fingerprints')}>
            <Names mono values={form.fingerprints} onChange={(fingerprints) => set({ fingerprints })} />
          </Field>
          <Field
            label="More affected rows than"
            hint="Not measured yet: until it is, the rule acts on every statement that meets its other conditions."
            error={error('match.maxAffectedRows')}
          >
            <Input inputMode="numeric" value={form.maxAffectedRows} onChange={(event) => set({ maxAffectedRows: event.target.value })} />
          </Field>
          <div className="grid gap-4 sm:grid-cols-3">
            <Field label="From" error={error('match.hours.from')}>
              <Input type="time" value={form.hoursFrom} onChange={(event) => set({ hoursFrom: event.target.value })} />
            </Field>
            <Field label="Until" error={error('match.hours.to')}>
              <Input type="time" value={form.hoursTo} onChange={(event) => set({ hoursTo: event.target.value })} />
            </Field>
            <Field label="Time zone" optional error={error('match.hours.timeZone')}>
              <Input value={form.timeZone} onChange={(event) => set({ timeZone: event.target.value })} placeholder="Europe/Berlin" />
            </Field>
          </div>
        </div>
      </details>
    </fieldset>
  );
}

const hasMore = (form: FieldsProps['form']) =>
  form.effects.length + form.columns.length + form.functions.length + form.fingerprints.length > 0 ||
  form.sql !== '' ||
  form.maxAffectedRows !== '' ||
  form.hoursFrom !== '' ||
  form.hoursTo !== '';
