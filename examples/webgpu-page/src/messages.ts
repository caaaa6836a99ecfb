import type { LedgerEntry } from '@mirrorspace/webgpu';
import type { Orbit } from './orbit.js';
import type { Settings } from './settings.js';

/** What the page tells the worker. */
export type ToWorker =
  /** Opens a device, or another one in its place. */
  | { readonly kind: 'open'; readonly number: number; readonly settings: Settings }
  | { readonly kind: 'look'; readonly number: number; readonly orbit: Orbit }
  /** Pages a file through the GPU. */
  | { readonly kind: 'file'; readonly file: File }
  | { readonly kind: 'cancel-file' };

/** Counters of a mirror, and of the device's memory. */
export interface Counters {
  readonly faults: number;
  readonly evictions: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** What the device holds, by use. */
  readonly memoryUse: readonly LedgerEntry[];
}

/** What is known when a device is open. */
export interface Opened {
  readonly device: string;
  readonly pageSize: number;
  /** Pages that fit into device memory. */
  readonly frames: number;
  readonly scenePages: number;
  readonly picturePages: number;
}

/** A rendered part of a picture, in pixels of a pass. */
export interface Part {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

/** What the GPU found in a file. */
export interface FileFound {
  readonly crc: number;
  /** How often each byte occurs. */
  readonly histogram: Float64Array;
}

/** Where a pass over a file stands. */
export interface FileProgress {
  readonly bytes: number;
  readonly done: number;
  readonly ms: number;
  readonly counters: Counters;
  /** Bytes of the file that host memory holds. */
  readonly hostBytes: number;
  /** A byte of `RESIDENT_*` bits for each page of the file. */
  readonly residency: Uint8Array<ArrayBuffer>;
}

/** What the worker tells the page. */
export type FromWorker =
  | { readonly kind: 'opened'; readonly opened: Opened }
  /** A pass begins; the next one is finer until `coarseness` is 1. */
  | { readonly kind: 'parts'; readonly coarseness: number; readonly progress: number; readonly parts: readonly Part[] }
  /** A picture is complete. It shows what was asked for up to the message with this number. */
  | { readonly kind: 'frame'; readonly number: number; readonly ms: number }
  /** A byte of `RESIDENT_*` bits for each page of scene and picture. */
  | { readonly kind: 'residency'; readonly pages: Uint8Array<ArrayBuffer>; readonly counters: Counters }
  | { readonly kind: 'file-progress'; readonly progress: FileProgress }
  | { readonly kind: 'file-found'; readonly progress: FileProgress; readonly found: FileFound }
  | { readonly kind: 'file-failed'; readonly message: string; readonly cancelled: boolean }
  /** The device cannot be opened, or is gone. */
  | { readonly kind: 'failed'; readonly message: string };
