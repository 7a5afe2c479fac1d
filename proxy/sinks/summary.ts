import type { Leaf, RecordEntry } from '../record/leaf';

export type Severity = 'info' | 'notice' | 'warning' | 'critical';

/** One line for people about an entry, and how much it asks for attention. No value a client sent. Pure. */
export function summaryOf({ entry }: Leaf): { text: string; severity: Severity } {
  const said = (name: string): string => (typeof entry[name] === 'string' || typeof entry[name] === 'number' ? String(entry[name]) : '');
  const type: RecordEntry['type'] = entry.type;
  switch (type) {
    case 'statement': {
      const verdict = said('verdict');
      const text = `${said('principalName')} on ${said('connectionName')}: ${verdict} ${said('kind')} (${said('id')})`;
      return { text, severity: verdict === 'allow' ? 'info' : verdict === 'hold' ? 'notice' : 'warning' };
    }
    case 'outcome':
      return { text: `${said('id')}: ${said('status')}${said('sqlstate') === '' ? '' : ` ${said('sqlstate')}`}`, severity: 'info' };
    case 'sessionOpen':
      return { text: `${said('principalName')} signed in to ${said('connectionName')} from ${said('clientAddress')}`, severity: 'info' };
    case 'sessionClose':
      return { text: `${said('id')} ended: ${said('reason')}`, severity: 'info' };
    case 'signInFailed':
      return {
        text: `sign-in failed on ${said('connectionName')} from ${said('clientAddress')} (${said('sqlstate')})`,
        severity: 'warning',
      };
    case 'transaction':
      return { text: `${said('id')}: ${said('outcome')}`, severity: 'info' };
    case 'result':
      return { text: `${said('id')}: result recorded`, severity: 'info' };
    case 'action':
      return { text: `${said('actorName')} by ${said('via')}: ${said('action')} ${said('subject')}`, severity: 'notice' };
    case 'checkpoint':
      return { text: 'checkpoint', severity: 'info' };
    case 'damage':
      return { text: `a journal is damaged: ${said('why')}`, severity: 'critical' };
    case 'start':
      return { text: `the record goes on, gateway ${said('gatewayId')}`, severity: 'notice' };
    default:
      return type satisfies never;
  }
}
