import { factsOf } from '../../proxy/sql/facts';
import { loadParser, parseStatements } from '../../proxy/sql/parse';

/**
 * Whether a recorded text changes rows that nothing in its WHERE pins, read from the text as the proxy reads it; null when the text
 * cannot be read (a syntax error, or one that was cut or scrubbed). The record itself keeps only what the verdict said.
 */
export async function isUnboundedText(sql: string): Promise<boolean | null> {
  await loadParser();
  try {
    return parseStatements(sql).some((statement) => factsOf(statement).unbounded);
  } catch {
    return null;
  }
}
