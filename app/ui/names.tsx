'use client';
import { Plus, X } from 'lucide-react';
import { type KeyboardEvent, useId, useState } from 'react';
import { Button } from './button';
import { Input } from './field';

interface NamesProps {
  values: readonly string[];
  onChange: (values: string[]) => void;
  placeholder?: string;
  /** Offered while typing; anything else may be typed too. */
  suggestions?: readonly string[];
  /** What to say when the list is empty, e.g. "All connections". */
  empty?: string;
  mono?: boolean;
}

/** A list of words: type one, press Enter; each can be taken out again. Give it a Field for its label. */
export function Names({ values, onChange, placeholder, suggestions = [], empty, mono = false }: NamesProps) {
  const [text, setText] = useState('');
  const listId = useId();
  const add = () => {
    const added = text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '' && !values.includes(part));
    if (added.length > 0) onChange([...values, ...added]);
    setText('');
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Enter' || event.key === ',') {
      event.preventDefault();
      add();
    } else if (event.key === 'Backspace' && text === '' && values.length > 0) onChange(values.slice(0, -1));
  };
  return (
    <div className="grid gap-1.5">
      {values.length > 0 ? (
        <ul className="flex flex-wrap gap-1.5">
          {values.map((value) => (
            <li
              key={value}
              className={`inline-flex min-h-7 items-center gap-0.5 rounded-md border bg-sunken pl-2 text-xs ${mono ? 'font-mono' : 'font-medium'}`}
            >
              <span className="break-all">{value}</span>
              <button
                type="button"
                aria-label={`Remove ${value}`}
                onClick={() => onChange(values.filter((one) => one !== value))}
                className="grid size-7 place-items-center rounded-md text-ink-3 hover:text-deny pointer-coarse:size-11"
              >
                <X className="size-3.5" aria-hidden />
              </button>
            </li>
          ))}
        </ul>
      ) : empty ? (
        <p className="text-xs text-ink-3">{empty}</p>
      ) : null}
      <div className="flex gap-1.5">
        <Input
          list={suggestions.length > 0 ? listId : undefined}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={press}
          onBlur={add}
          placeholder={placeholder}
          className={mono ? 'font-mono text-xs' : ''}
        />
        <Button size="icon" className="size-9 max-sm:size-11" aria-label="Add" onClick={add}>
          <Plus aria-hidden />
        </Button>
      </div>
      {suggestions.length > 0 ? (
        <datalist id={listId}>
          {suggestions
            .filter((one) => !values.includes(one))
            .map((one) => (
              <option key={one} value={one} />
            ))}
        </datalist>
      ) : null}
    </div>
  );
}
