import { Component, type ReactNode } from 'react';
import { messages } from '../shared/messages.en.ts';

/** Keeps the bar and the banner alive when one page fails, and says what happened. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <div className="page">
        <p className="notice notice-bad">{messages.pages.failed(this.state.error.message)}</p>
        <button type="button" className="button" onClick={() => location.reload()}>
          {messages.pages.reload}
        </button>
      </div>
    );
  }
}
