import { expect, test } from 'vitest';
import { codeOf, framesOf } from './shownError';

test('a failed store query is logged by its code and place, never by its parameters', () => {
  const error = new Error("Failed query: insert …\nparams: delete from t where ssn = '123-45-6789'", {
    cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
  });
  expect(codeOf(error)).toBe('ECONNREFUSED');
  expect(framesOf(error)).toContain('shownError.test');
  expect(framesOf(error) + codeOf(error)).not.toContain('123-45-6789');
});
