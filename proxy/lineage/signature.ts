import type { CatalogSnapshot, FunctionArgument, FunctionInfo } from '../catalog/types';
import { qualifiedName } from '../sql/session';
import { list, type SqlNode } from '../sql/tree';
import type { SearchPath } from './analysis';
import type { Value } from './value';

const NO_FUNCTIONS: readonly FunctionInfo[] = [];

/**
 * Every function a call may mean: PostgreSQL chooses by the types of the arguments, so all of that name count that take so many.
 * @param path the schemas that a bare name is looked up in; null when they are not known
 */
export function candidates(catalog: CatalogSnapshot, path: SearchPath, node: SqlNode, count: number): readonly FunctionInfo[] {
  const { schema, name } = qualifiedName(list(node, 'funcname'));
  const named = catalog.functions.get(name) ?? NO_FUNCTIONS;
  const visible = named.filter((item) => isVisible(item.schema, schema, path));
  const found = visible.filter((item) => takes(item, count));
  return found.length > 0 ? found : visible;
}

/** Whether a name, with or without a schema, may mean what stands in a schema. */
export function isVisible(of: string, schema: string | null, path: SearchPath): boolean {
  return schema === null ? path === null || of === 'pg_catalog' || path.includes(of) : schema === of;
}

const isInput = ({ mode }: FunctionArgument): boolean => mode === 'i' || mode === 'b' || mode === 'v';

function takes(item: FunctionInfo, count: number): boolean {
  const inputs = item.arguments.filter(isInput);
  return count <= inputs.length || inputs.some((argument) => argument.mode === 'v') || item.kind === 'aggregate';
}

/** A column of a result. */
export interface OutputColumn {
  /** Null of a scalar, which is named after the function or its alias. */
  name: string | null;
  /** 0 when it is not known. */
  typeOid: number;
}

interface Shape {
  outputs: readonly OutputColumn[] | null;
  /** 0 when it is not known. */
  typeOid: number;
}

const UNKNOWN: Shape = { outputs: null, typeOid: 0 };

/** What all the functions return alike. */
export function outputsOf(catalog: CatalogSnapshot, found: readonly FunctionInfo[], args: readonly Value[]): Shape {
  const exact = found.filter((item) => fits(catalog, item, args));
  const shapes = (exact.length > 0 ? exact : found).map((item) => shapeOf(catalog, item, args));
  const [first] = shapes;
  if (first === undefined) return UNKNOWN;
  const outputs = first.outputs;
  const same = shapes.every(
    (shape) => shape.outputs?.length === outputs?.length && shape.outputs?.every((column, i) => column.name === outputs?.[i]?.name),
  );
  const typeOid = shapes.every((shape) => shape.typeOid === first.typeOid) ? first.typeOid : 0;
  return { outputs: same ? outputs : null, typeOid };
}

const RECORD = 2249;
const [ANY_ELEMENT, ANY_ARRAY, ANY_NON_ARRAY, ANY_ENUM, ANY_RANGE, ANY_MULTIRANGE] = [2283, 2277, 2776, 3500, 3831, 4537];
const [ANY_COMPATIBLE, ANY_COMPATIBLE_ARRAY, ANY_COMPATIBLE_NON_ARRAY] = [5077, 5078, 5079];
/** Types that stand for what an argument is. */
const ELEMENTS: ReadonlySet<number> = new Set([ANY_ELEMENT, ANY_NON_ARRAY, ANY_ENUM, ANY_COMPATIBLE, ANY_COMPATIBLE_NON_ARRAY]);
const ARRAYS: ReadonlySet<number> = new Set([ANY_ARRAY, ANY_COMPATIBLE_ARRAY]);

/** Takes the arguments as they are, as far as their types are known. */
function fits(catalog: CatalogSnapshot, item: FunctionInfo, args: readonly Value[]): boolean {
  const inputs = item.arguments.filter(isInput);
  return args.every(({ typeOid }, index) => {
    const wanted = inputs[index]?.typeOid;
    if (wanted === undefined) return false;
    if (typeOid === 0) return false;
    if (wanted === typeOid) return true;
    const type = catalog.types.get(typeOid);
    if (ARRAYS.has(wanted)) return type !== undefined && type.elementOid !== 0;
    if (wanted === ANY_RANGE) return type?.type === 'r';
    if (wanted === ANY_MULTIRANGE) return type?.type === 'm';
    return ELEMENTS.has(wanted);
  });
}

function shapeOf(catalog: CatalogSnapshot, item: FunctionInfo, args: readonly Value[]): Shape {
  const out = item.arguments.filter(({ mode }) => mode === 'o' || mode === 'b' || mode === 't');
  if (out.length > 0) {
    const outputs = out.map(({ name, typeOid }, index) => ({
      name: name !== '' ? name : out.length === 1 ? null : `column${index + 1}`,
      typeOid: resolved(catalog, item, typeOid, args),
    }));
    return { outputs, typeOid: out.length === 1 ? (outputs[0]?.typeOid ?? 0) : 0 };
  }
  const typeOid = resolved(catalog, item, item.returnTypeOid, args);
  if (typeOid === RECORD || typeOid === 0) return UNKNOWN;
  const type = catalog.types.get(typeOid);
  if (type === undefined) return UNKNOWN;
  if (type.type !== 'c') return { outputs: [{ name: null, typeOid }], typeOid };
  const relation = catalog.relations.get(type.relationOid);
  return relation === undefined
    ? UNKNOWN
    : { outputs: relation.columns.map(({ name, typeOid: own }) => ({ name, typeOid: own })), typeOid };
}

/** What a type that stands for another is with these arguments; 0 when that is not known. */
function resolved(catalog: CatalogSnapshot, item: FunctionInfo, typeOid: number, args: readonly Value[]): number {
  if (!ELEMENTS.has(typeOid) && !ARRAYS.has(typeOid) && typeOid !== ANY_RANGE && typeOid !== ANY_MULTIRANGE) return typeOid;
  const inputs = item.arguments.filter(isInput);
  for (const [index, { typeOid: wanted }] of inputs.entries()) {
    const given = args[index]?.typeOid ?? 0;
    if (given === 0) continue;
    if (wanted === typeOid) return given;
    const type = catalog.types.get(given);
    if (type === undefined || !ELEMENTS.has(typeOid)) continue;
    if (ARRAYS.has(wanted)) return type.elementOid;
    if (wanted === ANY_RANGE || wanted === ANY_MULTIRANGE) return type.boundOid;
  }
  return 0;
}
