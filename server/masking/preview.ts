import { z } from 'zod';
import { maskedColumnsFor } from '../../proxy/masking/columns';
import { originWords } from '../../proxy/masking/explain';
import { maskWordsFor } from '../../proxy/masking/maskWords';
import { loadPolicy } from '../../proxy/policy/snapshot';
import { loadParser } from '../../proxy/sql/parse';
import { readCatalog } from '../connections/catalog';
import { targetOf, withControl } from '../connections/control';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { typeName } from './columns';
import { rulesOn } from './fit';
import type { CoveredColumn, MaskingPreview } from './shape';

/** Both are names. */
export const previewSchema = z.object({ connection: z.string(), rule: z.string() });

/**
 * Every column of a connection's upstream that one masking rule covers, those that the database derives from them included, with how the
 * mask reaches each. By the code that traffic runs, for somebody in no exempt group; a rule that only observes, or is off, as if it were
 * enforced.
 */
export async function previewMasking({ store, actor, secretKey }: Call, input: unknown): Promise<MaskingPreview> {
  demand(actor, 'masking:read');
  const names = parseInput(previewSchema, input);
  const policy = await loadPolicy(store);
  const rule = policy.masking.find(({ name }) => name === names.rule);
  if (rule === undefined) throw notFound('masking rule', names.rule);
  const connection = policy.connections.get(names.connection);
  if (connection === undefined) throw notFound('connection', names.connection);
  const enforced = { ...rule, mode: 'enforce' as const };
  const applies = rulesOn(connection.name, [enforced]).length > 0;
  const preview = { rule: rule.name, connection: connection.name, mode: rule.mode, applies };
  if (!applies) return { ...preview, columns: [] };

  const catalog = await withControl(targetOf(connection, secretKey), (client) => readCatalog(store, connection.id, client));
  await loadParser();
  const scope = { connection, principal: { groups: [] }, catalog };
  const own = maskedColumnsFor({ ...scope, masking: [enforced] });
  const all = maskedColumnsFor({ ...scope, masking: policy.masking.map((other) => (other === rule ? enforced : other)) });
  const typeOf = new Map(
    [...catalog.relations.values()].flatMap(({ oid, columns }) => columns.map((column) => [`${oid}.${column.number}`, column.typeOid])),
  );
  const columns = own.all.map((mask): CoveredColumn => {
    const decides = all.byOrigin(mask.relationOid, mask.attributeNumber) ?? mask;
    const typeOid = typeOf.get(`${mask.relationOid}.${mask.attributeNumber}`) ?? 0;
    return {
      column: mask.column,
      type: typeName(catalog, typeOid),
      leaves: maskWordsFor(decides.mask, typeOid, catalog.types),
      named: mask.origin === undefined,
      because: originWords(mask.origin),
      stricter: decides.rule === rule.name ? null : decides.rule,
    };
  });
  return { ...preview, columns: columns.sort((a, b) => Number(b.named) - Number(a.named) || a.column.localeCompare(b.column)) };
}
