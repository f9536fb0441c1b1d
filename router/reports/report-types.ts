/** A column of a table; `share` of the width, default 1 for each. */
export interface ReportColumn {
  head: string;
  share?: number;
  align?: 'left' | 'right';
}

/** What a report is made of, in its order. Text may be of any script; line feeds begin a new line. */
export type ReportBlock =
  | { kind: 'heading'; text: string }
  | { kind: 'text'; text: string }
  /** Names and what they come to, one a line. */
  | { kind: 'facts'; rows: readonly (readonly [name: string, value: string])[] }
  | { kind: 'table'; columns: readonly ReportColumn[]; rows: readonly (readonly string[])[] }
  /** Lines to write on: name, date, signature. */
  | { kind: 'signatures'; lines: readonly string[] };

export interface Report {
  title: string;
  /** Under the title. */
  subtitle?: string;
  /** At the foot of every page, beside the page number. */
  footer: string;
  landscape?: boolean;
  blocks: readonly ReportBlock[];
}
