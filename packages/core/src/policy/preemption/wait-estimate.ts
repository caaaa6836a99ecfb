const WEIGHT = 1 / 8;
/** Slow beside `WEIGHT`, so that one update in some dozens waits, to see whether waiting is still worse. */
const FADING = 1 / 32;

/** How long an update is expected to wait: an exponentially weighted mean, which fades while nothing is measured. */
export class WaitEstimate {
  /** Microseconds. */
  us = 0;
  private known = false;

  /** Notes how long an update took that waited its turn. */
  sample(us: number): void {
    this.us += this.known ? (us - this.us) * WEIGHT : us;
    this.known = true;
  }

  /** Notes an update that did not wait: what waiting costs is known a little less well. */
  fade(): void {
    this.us -= this.us * FADING;
  }
}
