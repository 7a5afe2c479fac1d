import Link from 'next/link';
import type { StatementRow } from '../data/types';
import { withTerm } from '../sql/terms';

const WORDS = { approve: 'approved', reject: 'rejected', breakGlass: 'broke the glass' } as const;

/** Who decided, as the statement's own entry names them. */
export function Reviewers({ reviewers }: { reviewers: StatementRow['reviewers'] }) {
  return (
    <ul>
      {reviewers.map(({ name, decision, passkey }) => (
        <li key={`${name} ${decision}`} className="break-words">
          <Link
            href={`/audit?q=${encodeURIComponent(withTerm('', 'reviewer', name))}&range=all`}
            className="text-accent-text underline-offset-4 hover:underline"
          >
            {name}
          </Link>
          <span className="text-ink-2"> {WORDS[decision]}</span>
          {passkey === undefined ? null : (
            <span className="text-ink-3">
              {' '}
              with passkey <code className="break-all text-xs">{passkey}</code>
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}
