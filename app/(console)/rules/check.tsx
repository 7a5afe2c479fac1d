'use client';
import { useMutation, useQuery } from '@tanstack/react-query';
import { FlaskConical } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { useTRPC } from '../../data/trpc';
import type { CheckResult } from '../../data/types';
import { MaskingExplained } from '../../statement/outputs';
import { RuleLink, TriedRules } from '../../statement/tried';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { cx } from '../../ui/classes';
import { Field, Select, Textarea } from '../../ui/field';
import { SqlLine } from '../../ui/sqlBlock';
import { ErrorState, sentence } from '../../ui/states';
import { VerdictBadge } from '../../ui/verdict';

/** "As whom?": runs the code that traffic runs, on a statement that is not sent anywhere. */
export function CheckStatement() {
  const trpc = useTRPC();
  const connections = useQuery(trpc.connections.list.queryOptions());
  const principals = useQuery(trpc.principals.list.queryOptions());
  const [connection, setConnection] = useState('');
  const [principal, setPrincipal] = useState('');
  const [sql, setSql] = useState('');
  const check = useMutation(trpc.check.run.mutationOptions());
  const agents = principals.data?.filter((one) => one.disabledAt === null) ?? [];
  const chosen = {
    connection: connection || connections.data?.[0]?.name || '',
    principal: principal || (agents.find((one) => one.kind === 'agent') ?? agents[0])?.name || '',
  };
  // Whom and where come from lists that may still be on their way.
  const ready = sql.trim() !== '' && chosen.connection !== '' && chosen.principal !== '';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) check.mutate({ ...chosen, sql });
  };
  return (
    <Card className="min-w-0 p-4 sm:p-5">
      <h2 className="text-base font-semibold tracking-tight">Check a statement</h2>
      <p className="mb-4 mt-0.5 text-sm text-ink-2">The code that traffic runs decides. Nothing is sent to the database.</p>
      <form onSubmit={submit} className="grid gap-3">
        <div className="grid grid-cols-2 gap-3">
          <Field label="As whom?">
            <Select value={chosen.principal} onChange={(event) => setPrincipal(event.target.value)}>
              {agents.map((one) => (
                <option key={one.id}>{one.name}</option>
              ))}
            </Select>
          </Field>
          <Field label="Connection">
            <Select value={chosen.connection} onChange={(event) => setConnection(event.target.value)}>
              {connections.data?.map((one) => (
                <option key={one.id}>{one.name}</option>
              ))}
            </Select>
          </Field>
        </div>
        <Field label="SQL">
          <Textarea
            value={sql}
            onChange={(event) => setSql(event.target.value)}
            onKeyDown={(event) => (event.metaKey || event.ctrlKey) && event.key === 'Enter' && submit(event)}
            placeholder="DELETE FROM orders WHERE id = 1"
            className="min-h-24 font-mono text-xs"
          />
        </Field>
        <Button type="submit" busy={check.isPending} disabled={!ready}>
          {check.isPending ? null : <FlaskConical aria-hidden />}
          Check statement
        </Button>
      </form>
      <div role="status" className="mt-4 empty:hidden">
        {check.error ? (
          <ErrorState compact what="The statement could not be checked" error={check.error} effect="Nothing was sent." />
        ) : null}
        {check.data ? <Result result={check.data} /> : null}
      </div>
    </Card>
  );
}

function Result({ result }: { result: CheckResult }) {
  // Of one statement that masking refuses, the refusal itself has the words, and what to write instead.
  const saidBelow = result.verdict.decidedBy === 'masking' && result.statements.length === 1;
  return (
    <div className="grid min-w-0 gap-4 border-t pt-4">
      <div className="grid gap-1.5">
        <p className="flex flex-wrap items-center gap-2 text-sm">
          <VerdictBadge verdict={result.verdict.action} />
          {result.verdict.rule ? (
            <RuleLink name={result.verdict.rule} />
          ) : (
            <span className="text-xs text-ink-3">by {result.verdict.decidedBy}</span>
          )}
        </p>
        {saidBelow ? null : <p className="break-words text-sm text-ink-2">{sentence(result.verdict.why)}</p>}
        {result.error ? (
          <p className="break-words text-sm text-deny">
            {sentence(result.error.message)}
            {result.error.position === null ? '' : ` At character ${result.error.position}.`}
          </p>
        ) : null}
      </div>
      {result.statements.map((statement, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: statements of one text have no other identity
        <div key={index} className={cx('grid min-w-0 gap-3', result.statements.length > 1 && 'rounded-lg border p-3')}>
          {result.statements.length > 1 ? (
            <>
              <SqlLine sql={statement.text} />
              <span>
                <VerdictBadge verdict={statement.verdict.action} />
              </span>
            </>
          ) : null}
          <p className="flex flex-wrap gap-1.5">
            <Badge tone="outline">{statement.kind}</Badge>
            {statement.effects.map((effect) => (
              <Badge key={effect}>{effect}</Badge>
            ))}
          </p>
          <MaskingExplained masking={statement.masking} />
          {statement.rewritten ? (
            <p className="text-xs text-ink-2">
              Sent as <code className="break-words font-mono">{statement.rewritten}</code>
            </p>
          ) : null}
          <TriedRules tried={statement.verdict.tried} decided={statement.verdict.rule} />
        </div>
      ))}
    </div>
  );
}
