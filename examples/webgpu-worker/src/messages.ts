/** What the main thread asks of the worker. */
export type Work =
  /** Numbers that replace those the worker has. */
  | { readonly kind: 'load'; readonly numbers: Float32Array<ArrayBuffer> }
  /** Multiplies every number, on the GPU. */
  | { readonly kind: 'scale'; readonly by: number }
  /** Asks for some of them. */
  | { readonly kind: 'read'; readonly from: number; readonly count: number }
  /** Ends everything. */
  | { readonly kind: 'stop' };

/** A message to the worker. */
export interface Request {
  readonly id: number;
  readonly work: Work;
}

/** Its answer, one for each request. */
export type Reply =
  | { readonly id: number; readonly numbers?: Float32Array<ArrayBuffer>; readonly bytesHeld?: number }
  | { readonly id: number; readonly code: string; readonly message: string };

/** What both kinds of worker have in common: a way to send, and to hear. */
export interface Port {
  send(message: Request | Reply, transfer: ArrayBuffer[]): void;
  /** Called once, at once: what arrives before somebody listens is lost in a browser. */
  listen(heard: (message: never) => void): void;
}
