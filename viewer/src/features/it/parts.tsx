import type { ReactNode } from 'react';
import { pageMessages } from '../../shared/messages.pages.en.ts';

export { AskButton, Sentences } from '../../shared/ui/asking.tsx';

const text = pageMessages.it;

/** A table with these headings; a sentence when there is nothing in it. */
export function ListTable(props: { heads: string[]; empty: boolean; children: ReactNode }) {
  if (props.empty) return <p className="soft">{text.nothing}</p>;
  return (
    <table className="table it-table">
      <thead>
        <tr>
          {props.heads.map((head) => (
            <th key={head}>{head}</th>
          ))}
        </tr>
      </thead>
      <tbody>{props.children}</tbody>
    </table>
  );
}
