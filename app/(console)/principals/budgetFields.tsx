import type { PrincipalLimits } from '../../../db/schema/shapes';
import { Field, Input } from '../../ui/field';

const PERIODS = [
  { key: 'perHour', label: 'Budget an hour' },
  { key: 'perDay', label: 'Budget a day' },
] as const;
const AMOUNTS = [
  { key: 'statements', label: 'Statements' },
  { key: 'rows', label: 'Rows' },
  { key: 'maskedValues', label: 'Masked values' },
] as const;

type BudgetName = `${(typeof PERIODS)[number]['key']}.${(typeof AMOUNTS)[number]['key']}`;

/** As it is typed; empty means no limit. */
export type BudgetForm = Record<BudgetName, string>;

export function budgetFormOf(limits: PrincipalLimits): BudgetForm {
  return Object.fromEntries(
    PERIODS.flatMap((period) => AMOUNTS.map((amount) => [`${period.key}.${amount.key}`, String(limits[period.key]?.[amount.key] ?? '')])),
  ) as BudgetForm;
}

/** Periods without a budget are left out. */
export function budgetsOf(form: BudgetForm): Pick<PrincipalLimits, 'perHour' | 'perDay'> {
  const limits: Pick<PrincipalLimits, 'perHour' | 'perDay'> = {};
  for (const { key } of PERIODS) {
    const given = AMOUNTS.filter((amount) => form[`${key}.${amount.key}`].trim() !== '');
    if (given.length > 0) limits[key] = Object.fromEntries(given.map((amount) => [amount.key, Number(form[`${key}.${amount.key}`])]));
  }
  return limits;
}

export function BudgetFields({
  form,
  onChange,
  error,
}: {
  form: BudgetForm;
  onChange: (form: BudgetForm) => void;
  error: (path: string) => string | undefined;
}) {
  return (
    <div className="grid gap-4">
      {PERIODS.map((period) => (
        <fieldset key={period.key} className="grid gap-3 sm:grid-cols-3">
          <legend className="mb-2 text-sm font-semibold">{period.label}</legend>
          {AMOUNTS.map((amount) => {
            const name: BudgetName = `${period.key}.${amount.key}`;
            return (
              <Field key={name} label={amount.label} error={error(`limits.${name}`)}>
                <Input
                  inputMode="numeric"
                  value={form[name]}
                  placeholder="no limit"
                  onChange={(event) => onChange({ ...form, [name]: event.target.value })}
                />
              </Field>
            );
          })}
        </fieldset>
      ))}
    </div>
  );
}
