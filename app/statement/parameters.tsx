import type { ParameterValue } from '../../db/schema/shapes';
import { Visible } from '../ui/sqlBlock';
import { Table, Td, Th, Tr } from '../ui/table';
import { typeName } from './types';

/** Bind parameters as they were sent: number, type, value. */
export function Parameters({ parameters }: { parameters: readonly ParameterValue[] }) {
  if (parameters.length === 0) return <p className="text-sm text-ink-3">None: every value is in the text.</p>;
  return (
    <div className="rounded-lg border">
      <Table label="Parameters">
        <thead>
          <tr>
            <Th>#</Th>
            <Th>Type</Th>
            <Th>Value</Th>
          </tr>
        </thead>
        <tbody>
          {parameters.map((parameter, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a parameter's number is its identity
            <Tr key={index}>
              <Td className="font-mono text-xs text-syn-parameter">${index + 1}</Td>
              <Td className="whitespace-nowrap text-xs text-ink-2">{typeName(parameter.typeOid)}</Td>
              <Td className="max-w-96 break-all font-mono text-xs">
                {parameter.value === null ? <i className="text-ink-3">NULL</i> : <Visible text={parameter.value} />}
                {parameter.truncated ? <span className="text-ink-3"> … cut for display</span> : null}
              </Td>
            </Tr>
          ))}
        </tbody>
      </Table>
    </div>
  );
}
