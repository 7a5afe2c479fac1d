import { CircleCheck, CircleX, TriangleAlert } from 'lucide-react';
import type { ConnectionProof } from '../../data/types';
import { Section } from '../../ui/card';
import { Visible } from '../../ui/sqlBlock';
import { sentence } from '../../ui/states';
import { Table, Td, Th, Tr } from '../../ui/table';

type Proof = NonNullable<ConnectionProof['proof']>;

/** What a verification found: why not, what could cross, and each column with its two proofs. */
export function Findings({ proof }: { proof: Proof }) {
  const refused = proof.columns.filter((column) => !column.privilege && column.attempt === 'refused').length;
  return (
    <>
      {proof.reasons.length === 0 ? null : (
        <Section title="Why not">
          <ul className="grid gap-2 text-sm">
            {proof.reasons.map((reason) => (
              <li key={reason} className="flex items-start gap-2">
                <CircleX className="mt-0.5 size-4 shrink-0 text-deny" aria-hidden />
                <span className="min-w-0 break-words">
                  <Visible text={sentence(reason)} />
                </span>
              </li>
            ))}
          </ul>
        </Section>
      )}
      {proof.crossings.length === 0 ? null : (
        <Section title="What could still cross">
          <ul className="grid gap-2 text-sm">
            {proof.crossings.map((crossing) => (
              <li key={`${crossing.kind} ${crossing.object}`} className="flex items-start gap-2">
                <TriangleAlert className="mt-0.5 size-4 shrink-0 text-hold" aria-hidden />
                <span className="min-w-0 break-words">
                  <b className="font-semibold">
                    {crossing.kind} <Visible text={crossing.object} />
                  </b>
                  <span className="block text-ink-2">
                    <Visible text={sentence(crossing.detail)} />
                  </span>
                </span>
              </li>
            ))}
          </ul>
        </Section>
      )}
      <Section
        title="Masked columns"
        aside={
          <span className="text-xs tabular-nums text-ink-3">
            {refused} of {proof.columns.length} proved unreadable
          </span>
        }
      >
        {proof.columns.length === 0 ? <p className="text-sm text-ink-3">None.</p> : <Columns columns={proof.columns} />}
      </Section>
    </>
  );
}

function Columns({ columns }: { columns: Proof['columns'] }) {
  return (
    <div className="rounded-xl border">
      <Table label="Masked columns">
        <thead>
          <tr>
            <Th>Column</Th>
            <Th>SELECT privilege</Th>
            <Th>Reading it</Th>
          </tr>
        </thead>
        <tbody>
          {columns.map((column) => {
            const proved = !column.privilege && column.attempt === 'refused';
            const Icon = proved ? CircleCheck : CircleX;
            return (
              <Tr key={column.column}>
                <Td className="font-mono text-xs">
                  <Visible text={column.column} />
                </Td>
                <Td>{column.privilege ? 'held' : 'none'}</Td>
                <Td className="whitespace-nowrap">
                  <span className="inline-flex items-center gap-1.5">
                    <Icon className={`size-4 ${proved ? 'text-allow' : 'text-deny'}`} aria-hidden />
                    {column.attempt}
                  </span>
                </Td>
              </Tr>
            );
          })}
        </tbody>
      </Table>
    </div>
  );
}
