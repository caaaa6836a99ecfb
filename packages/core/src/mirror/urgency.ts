import type { Device, Fence } from '../driver/index.js';
import { whenSettled } from '../kit/index.js';
import { type PreemptionPolicy, preemptionPolicies, type UpdateKind } from '../policy/index.js';
import { WaitEstimate } from '../policy/preemption/wait-estimate.js';

/** Decides which updates interrupt running work, and measures what the policy wants to know: only where it can be done at all. */
export class Urgency {
  private readonly active: boolean;
  private readonly policy: PreemptionPolicy;
  private readonly estimates: Readonly<Record<UpdateKind, WaitEstimate>> = {
    flush: new WaitEstimate(),
    recall: new WaitEstimate(),
    fault: new WaitEstimate(),
  };
  private readonly device: Device;
  /** Work units of launches that have not ended. */
  private launched = 0;
  /** What had finished when pages last moved urgently. */
  private retired = -1;
  private readonly request: {
    kind: UpdateKind;
    residentUnits: number;
    readonly preemptionUs: number;
    waitUs: number;
  };

  constructor(device: Device, policy: PreemptionPolicy) {
    const { residentUnits, preemptionUs } = device.limits;
    this.device = device;
    this.policy = policy;
    this.active = device.features.has('preemption') && policy !== preemptionPolicies.never;
    this.request = { kind: 'flush', residentUnits, preemptionUs, waitUs: 0 };
  }

  /**
   * Whether an update interrupts what runs. Updates that move pages do so only once for each time that something finished: two
   * devices that interrupt each other for one page would take it from each other for ever, before either used it (R8).
   */
  decide(kind: UpdateKind): boolean {
    if (!this.active) return false;
    const { faults, limits } = this.device;
    const moves = kind !== 'flush';
    if (moves && faults.retired === this.retired) return false;
    const { residentUnits } = limits;
    const estimate = this.estimates[kind];
    this.request.kind = kind;
    this.request.residentUnits = this.launched > 0 ? Math.min(residentUnits, this.launched) : residentUnits;
    this.request.waitUs = estimate.us;
    const urgent = this.policy(this.request) === true;
    if (!urgent) return false;
    estimate.fade();
    if (moves) this.retired = faults.retired;
    return true;
  }

  /** Notes how long an update takes that waits its turn: from now until `fence` signals. */
  measure(kind: UpdateKind, fence: Fence): void {
    if (!this.active) return;
    const since = this.device.now();
    whenSettled(fence, () => {
      if (fence.signaled) this.estimates[kind].sample(this.device.now() - since);
    });
  }

  /** Notes a launch, until it ends. */
  launch(units: number, fence: Fence): void {
    if (!this.active) return;
    this.launched += units;
    whenSettled(fence, () => (this.launched -= units));
  }
}
