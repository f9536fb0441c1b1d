import { createContext, use } from 'react';
import type { SessionInfo } from '../../../contract/api.ts';

export interface SessionState {
  /** null: nobody is signed in. */
  session: SessionInfo | null;
  setSession: (session: SessionInfo | null) => void;
}

export const SessionContext = createContext<SessionState>({ session: null, setSession: () => undefined });

/** Who is signed in, and how to change that. */
export function useSession(): SessionState {
  return use(SessionContext);
}
