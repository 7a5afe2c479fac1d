/** Words in column names that usually mean personal data or a secret. A hint for a person, never a decision. */
const WORDS = [
  ...[
    'ssn',
    'social_security',
    'tax_id',
    'taxid',
    'national_id',
    'passport',
    'licence',
    'license_number',
    'birth',
    'dob',
    'gender',
    'ethnicity',
  ],
  ...[
    'email',
    'e_mail',
    'phone',
    'mobile',
    'fax',
    'address',
    'street',
    'postcode',
    'postal_code',
    'zip_code',
    'zipcode',
    'first_name',
    'last_name',
    'full_name',
    'surname',
  ],
  ...['card', 'cvv', 'cvc', 'iban', 'bic', 'account_number', 'routing', 'salary', 'income'],
  ...[
    'password',
    'passwd',
    'secret',
    'token',
    'api_key',
    'apikey',
    'private_key',
    'credential',
    'ip_address',
    'diagnosis',
    'medical',
    'health',
  ],
];

const PATTERN = new RegExp(`(^|_)(${WORDS.join('|')})(s?)(_|$)`);

/** `customerEmail`, `card_number`, `SSN` look sensitive; `discard_reason` does not. */
export function looksSensitive(column: string): boolean {
  return PATTERN.test(column.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase());
}
