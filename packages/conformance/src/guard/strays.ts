interface PageEvents {
  addEventListener?(type: string, listener: (event: PromiseRejectionEvent) => void): void;
  removeEventListener?(type: string, listener: (event: PromiseRejectionEvent) => void): void;
}

const textOf = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason));

/** Hears of every rejection that nobody handles, in Node, pages and workers: a backend that loses an error does not pass. Returns what stops it. */
export function watchStrays(heard: (message: string) => void): () => void {
  const { process: node } = globalThis as { process?: NodeJS.Process };
  if (node?.versions?.node !== undefined) {
    const listener = (reason: unknown): void => heard(textOf(reason));
    node.on('unhandledRejection', listener);
    return () => void node.off('unhandledRejection', listener);
  }
  const page = globalThis as PageEvents;
  const listener = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    heard(textOf(event.reason));
  };
  page.addEventListener?.('unhandledrejection', listener);
  return () => page.removeEventListener?.('unhandledrejection', listener);
}
