/** What goes between the main thread and a SQLite thread. */
export interface WorkerSettings {
  file: string;
  readOnly: boolean;
}

export interface WorkerRequest {
  id: number;
  sql: string;
  parameters: readonly unknown[];
  /** Several statements without parameters. */
  script?: boolean;
}

export type WorkerReply =
  | { id: number; rows: unknown[]; changes: number; error?: undefined }
  | { id: number; error: string; errcode: number | undefined };
