'use client';
import { Columns3 } from 'lucide-react';
import { Button } from '../../ui/button';
import { Menu, MenuCheck, MenuItem } from '../../ui/menu';
import { COLUMNS, type ColumnKey, columnsText } from './columns';
import type { AuditState } from './useAuditState';

/** Which columns a row has; kept in the URL. */
export function ColumnsMenu({ audit: { columns, setState } }: { audit: AuditState }) {
  const toggle = (key: ColumnKey, on: boolean) =>
    void setState({ cols: columnsText(COLUMNS.map((one) => one.key).filter((one) => (one === key ? on : columns.includes(one)))) });
  return (
    <Menu
      label="Columns"
      trigger={
        <Button size="sm">
          <Columns3 aria-hidden />
          Columns
        </Button>
      }
    >
      {COLUMNS.map(({ key, name }) => (
        <MenuCheck key={key} checked={columns.includes(key)} disabled={key === 'statement'} onChange={(on) => toggle(key, on)}>
          {name}
        </MenuCheck>
      ))}
      <MenuItem onSelect={() => void setState({ cols: null })}>Reset columns</MenuItem>
    </Menu>
  );
}
