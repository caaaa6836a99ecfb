/** What the main thread tells the worker. */
export type Request = { readonly kind: 'square' } | { readonly kind: 'stop' };

/** What the worker answers. */
export type Reply =
  | { readonly kind: 'memory'; readonly buffer: SharedArrayBuffer; readonly device: string }
  /** The launch is done; `owned`: pages that are on the device only. */
  | { readonly kind: 'squared'; readonly owned: number }
  | { readonly kind: 'stopped'; readonly broughtHome: number };
