/** What a device wants to do with the page it faulted on. */
export type PlacementAccess = 'read' | 'write' | 'atomic';

/** A place for pages: HOST, or the number of a device from 0 on. */
export type Place = number;

/** The place of pages in host memory. */
export const HOST: Place = -1;

/** One faulting page, as a placement policy sees it. */
export interface PlacementRequest {
  /** The device that faulted. */
  readonly device: Place;
  /** What the device wants to do with the page. */
  readonly access: PlacementAccess;
  /** Who holds the page's only or writable copy; HOST also for a page that nobody has touched. */
  readonly owner: Place;
  /** Advice: where the page should live; undefined without such advice. */
  readonly preferred: Place | undefined;
  /** Advice: the page is mostly read. */
  readonly readMostly: boolean;
  /** Advice: bit `n` is set when device `n` should keep a mapping of the page wherever it lives. */
  readonly accessedBy: number;
  /** The page may not leave its owner. */
  readonly pinned: boolean;
  /** The faulting device can map the owner's memory and access it in place, atomically if that is what it wants. */
  readonly remote: boolean;
  /** Nobody has touched the page. Absent: somebody has. */
  readonly untouched?: boolean;
  /** Accesses from afar by the device that were counted on the page since it moved. Absent: 0, as from core, which has no such counters. */
  readonly counted?: number;
  /** Where the page is pinned because it went to and fro. Absent: nowhere, as from core, which pins no page for that. */
  readonly thrashingPin?: Place;
}

/**
 * `migrate`: the device becomes the only owner. `duplicate`: the device gets a read-only copy beside the owner's.
 * `remote`: the page stays and the device maps the owner's memory. `deny`: the access cannot be served.
 */
export type PlacementAction = 'migrate' | 'duplicate' | 'remote' | 'deny';

/** Chooses where a faulting page goes; a pure function. */
export type PlacementPolicy = (request: PlacementRequest) => PlacementAction;
