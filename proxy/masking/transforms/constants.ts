import { CellOut } from '../cellOut';
import { writeInet, writeMac } from './addresses';
import { dayOf, writeDay, writeTime } from './dates';
import type { Family } from './family';
import { floatOf, writeFloat } from './floats';
import { writeInteger } from './integers';
import { decimalOf, writeNumeric } from './numeric';
import { uuidOf, writeUuid } from './uuid';

/** An operator's constant as a cell of the column's type and format; null when it is no value of that type, or of a type we do not write. */
export function constantCell(value: string, family: Family, format: number): Buffer | null {
  const out = new CellOut(64);
  return writeConstant(value, family, format, out) ? Buffer.from(out.bytes.subarray(0, out.length)) : null;
}

function writeConstant(value: string, family: Family, format: number, out: CellOut): boolean {
  if (value.includes('\0')) return false;
  switch (family.kind) {
    case 'text':
      return written(value, out);
    case 'enum':
      return family.labels.includes(value) && written(value, out);
    case 'char':
      return /^[\x20-\x7e]$/.test(value) && written(value, out);
    case 'xml':
      // Character data alone is well-formed content; nothing here parses XML.
      return !/[<&]/.test(value) && !value.includes(']]>') && isXmlText(value) && written(value, out);
    case 'json':
      return isJson(value) && written(value, out);
    case 'jsonb':
      // jsonb has no NUL and no half of a surrogate pair, even escaped.
      if (!isJson(value) || /\\u(?:0000|d[89a-f])/i.test(value)) return false;
      if (format === 1) out.byte(1);
      return written(value, out);
    case 'bool': {
      const truth = /^(?:t|true)$/i.test(value) ? true : /^(?:f|false)$/i.test(value) ? false : null;
      if (truth === null) return false;
      out.byte(format === 1 ? Number(truth) : truth ? 0x74 : 0x66);
      return true;
    }
    case 'integer':
      return /^-?\d{1,20}$/.test(value) && writeInteger(BigInt(value), family.type, format, out);
    case 'float': {
      const number = floatOf(value);
      return number !== null && writeFloat(number, family.size, format, out);
    }
    case 'numeric': {
      const decimal = decimalOf(value);
      return decimal !== null && writeNumeric(decimal, format, out);
    }
    case 'uuid': {
      const uuid = uuidOf(value);
      return uuid !== null && writeUuid(uuid, format, out);
    }
    case 'bytea':
      if (!/^\\x(?:[0-9a-f]{2})*$/i.test(value)) return false;
      if (format === 0) out.text(value);
      else out.append(Buffer.from(value.slice(2), 'hex'));
      return true;
    case 'date':
    case 'timestamp':
    case 'timestamptz': {
      // The time of day would be lost; a constant that is not what leaves is refused rather than cut.
      const day = /^[\d-]+( BC)?$/.test(value) ? dayOf(value, family.kind) : null;
      return day !== null && writeDay(day, family.kind, format, out);
    }
    case 'time':
      return writeTime(value, format, out);
    case 'inet':
      return writeInet(value, format, out);
    case 'macaddr':
      return writeMac(value, format, out);
    case 'array':
    case 'range':
    case 'composite':
    case 'other':
      return false;
    default:
      family satisfies never;
      return false;
  }
}

function written(value: string, out: CellOut): true {
  out.text(value);
  return true;
}

function isJson(value: string): boolean {
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}

/** Characters XML 1.0 allows (section 2.2), as far as control characters go. */
const isXmlText = (value: string): boolean =>
  !/[\ufffe\uffff]/.test(value) && Buffer.from(value).every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
