'use client';
import { Field, Input, Select } from '../../ui/field';
import { type MaskingForm, masksFor } from './form';

const MASKS: readonly (readonly [MaskingForm['type'], string])[] = [
  ['redact', 'Redact: ***'],
  ['partial', 'Partial: keep some characters'],
  ['hash', 'Hash: the same value, the same hash'],
  ['email', 'Email: a…@example.com'],
  ['date', 'Date: cut to year, month or day'],
  ['number', 'Number: rounded or in steps'],
  ['constant', 'Constant: a fixed text'],
  ['null', 'NULL'],
];

interface Props {
  form: MaskingForm;
  set: (change: Partial<MaskingForm>) => void;
  error: (path: string) => string | undefined;
  columnType: string | null;
}

/** The mask and its parameters; for a known column only masks that keep its type. */
export function MaskFields({ form, set, error, columnType }: Props) {
  const fits = columnType === null ? null : masksFor(columnType);
  const offered = MASKS.filter(([type]) => fits === null || fits.includes(type));
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field
        label="Mask"
        className="sm:col-span-2"
        error={error('mask')}
        hint={columnType === null ? 'Types that a mask does not fit become NULL.' : `Masks that fit a column of type ${columnType}.`}
      >
        <Select value={form.type} onChange={(event) => set(typeChange(event.target.value as MaskingForm['type'], form))}>
          {offered.map(([type, words]) => (
            <option key={type} value={type}>
              {words}
            </option>
          ))}
        </Select>
      </Field>
      {form.type === 'partial' ? (
        <>
          <Field label="Keep first" optional error={error('mask.keepFirst')}>
            <Input inputMode="numeric" value={form.keepFirst} onChange={(event) => set({ keepFirst: event.target.value })} />
          </Field>
          <Field label="Keep last" optional error={error('mask.keepLast')}>
            <Input inputMode="numeric" value={form.keepLast} onChange={(event) => set({ keepLast: event.target.value })} />
          </Field>
        </>
      ) : null}
      {form.type === 'date' ? (
        <Field label="Cut to" error={error('mask.truncate')}>
          <Select value={form.truncate} onChange={(event) => set({ truncate: event.target.value as MaskingForm['truncate'] })}>
            <option value="year">Year</option>
            <option value="month">Month</option>
            <option value="day">Day</option>
          </Select>
        </Field>
      ) : null}
      {form.type === 'number' ? (
        <>
          <Field label="Round to" optional hint="e.g. 100" error={error('mask.round')}>
            <Input inputMode="decimal" value={form.round} onChange={(event) => set({ round: event.target.value, bucket: '' })} />
          </Field>
          <Field label="Steps of" optional hint="e.g. 10 gives 30–39" error={error('mask.bucket')}>
            <Input inputMode="decimal" value={form.bucket} onChange={(event) => set({ bucket: event.target.value, round: '' })} />
          </Field>
        </>
      ) : null}
      {form.type === 'constant' ? (
        <Field label="Text" error={error('mask.value')}>
          <Input value={form.value} onChange={(event) => set({ value: event.target.value })} />
        </Field>
      ) : null}
    </div>
  );
}

/** A number mask needs a parameter: it starts with one, so that choosing the mask is enough. */
const typeChange = (type: MaskingForm['type'], form: MaskingForm): Partial<MaskingForm> =>
  type === 'number' && form.round === '' && form.bucket === '' ? { type, bucket: '10' } : { type };
