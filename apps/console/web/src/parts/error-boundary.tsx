import { Component, type ReactNode } from 'react';
import { ErrorNotice } from './error-notice.js';

interface ErrorBoundaryProps {
  what: string;
  children: ReactNode;
}

/** A part of a page that breaks takes only itself down, and says so. Give it a `key` to start afresh. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, { error: Error | undefined }> {
  override state: { error: Error | undefined } = { error: undefined };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return <ErrorNotice what={this.props.what} error={error} onRetry={() => this.setState({ error: undefined })} />;
  }
}
