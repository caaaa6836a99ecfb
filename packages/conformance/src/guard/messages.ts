import type { Result } from '../report/index.js';

/** What a runner tells its guard: plain data that can be cloned and written as JSON. */
export type RunnerMessage =
  /** The backend was opened; cases follow. */
  | { readonly kind: 'open'; readonly backend: string; readonly device: string }
  /** A case begins. */
  | { readonly kind: 'begin'; readonly address: string }
  /** It ended. */
  | { readonly kind: 'result'; readonly result: Result }
  /** An error that nobody awaited, in the case that began last. */
  | { readonly kind: 'stray'; readonly message: string }
  /** All cases ended. */
  | { readonly kind: 'end' }
  /** Nothing can be run at all. */
  | { readonly kind: 'refused'; readonly message: string }
  /** Whoever started the runner saw it end by itself: its process died, its page crashed. */
  | { readonly kind: 'gone'; readonly reason: string };
