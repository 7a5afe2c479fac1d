import Link from 'next/link';
import type { StatementDetail } from '../data/types';
import { withTerm } from '../sql/terms';
import { Fact, Facts } from '../ui/card';
import { durationText } from '../ui/time';
import { Reviewers } from './reviewers';

const OUTCOMES: Readonly<Record<string, string>> = { committed: 'committed', rolledBack: 'rolled back', unknown: 'outcome unknown' };

const StatementLink = ({ id }: { id: string }) => (
  <Link href={`/audit/${id}`} className="break-all font-mono text-xs text-accent-text underline-offset-4 hover:underline">
    {id}
  </Link>
);

/** Who, where and how, and what the record counts of it. */
export function RecordFacts({ statement }: { statement: StatementDetail }) {
  return (
    <Facts>
      <Fact name="Statement">
        <span className="font-mono text-xs">{statement.id}</span>
      </Fact>
      <Fact name="Session">
        <Link href={`/sessions/${statement.sessionId}`} className="font-mono text-xs text-accent-text underline-offset-4 hover:underline">
          {statement.sessionId}
        </Link>
      </Fact>
      <Fact name="Who">
        {statement.principalName}
        {statement.ownerName ? ` for ${statement.ownerName}` : ''}
      </Fact>
      <Fact name="Connection">{statement.connectionName}</Fact>
      <Fact name="Client">
        {statement.clientAddress}
        {statement.applicationName ? <span className="text-ink-2"> · {statement.applicationName}</span> : null}
      </Fact>
      <Fact name="Protocol">{statement.protocol}</Fact>
      {statement.runOf === null ? null : (
        <Fact name="Run of">
          <StatementLink id={statement.runOf} />
        </Fact>
      )}
      {statement.transactionId === null ? null : (
        <Fact name="Transaction">
          <Link
            href={`/audit?q=${encodeURIComponent(withTerm('', 'transaction', statement.transactionId))}&range=all`}
            className="break-all font-mono text-xs text-accent-text underline-offset-4 hover:underline"
          >
            {statement.transactionId}
          </Link>
          {statement.transactionOutcome === null ? null : (
            <span className="text-ink-2"> {OUTCOMES[statement.transactionOutcome] ?? statement.transactionOutcome}</span>
          )}
        </Fact>
      )}
      {statement.reviewers.length === 0 ? null : (
        <Fact name="Reviewers">
          <Reviewers reviewers={statement.reviewers} />
        </Fact>
      )}
      {statement.touchedColumns.length === 0 ? null : (
        <Fact name="Columns">
          <span className="break-words font-mono text-xs">{statement.touchedColumns.join(', ')}</span>
        </Fact>
      )}
      <Fact name="Rows">{statement.rows === null ? '–' : statement.rows.toLocaleString()}</Fact>
      <Fact name="Bytes">{statement.bytes === null ? '–' : statement.bytes.toLocaleString()}</Fact>
      <Fact name="Fingerprint">
        {statement.fingerprint === '' ? '–' : <span className="break-all font-mono text-xs">{statement.fingerprint}</span>}
      </Fact>
      <Fact name="Policy version">{statement.policyVersion}</Fact>
      <Fact name="Duration">{statement.durationMs === null ? '–' : durationText(statement.durationMs)}</Fact>
    </Facts>
  );
}
