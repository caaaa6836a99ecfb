import { describe, expect, it } from 'vitest';
import { preemptionPolicies, queuePolicies, type QueueChoice, type QueueRequest } from '@mirrorspace/core';
import { WaitEstimate } from '../../src/policy/preemption/wait-estimate.js';

const queue = (id: number, priority: number, paging: boolean, depth: number): QueueChoice => ({
  id,
  priority,
  paging,
  depth,
});

const request = (user: number | undefined, ...queues: QueueChoice[]): QueueRequest => ({ kind: 'flush', queues, user });

describe('queue policies', () => {
  it('paging takes the paging queue of the highest priority, however full', () => {
    const queues = [queue(7, 2, false, 0), queue(8, 1, true, 0), queue(9, 2, true, 5)];
    expect(queuePolicies.paging(request(7, ...queues))).toBe(2);
  });

  it('user takes the queue of the last launch, and the paging queue where there is none', () => {
    const queues = [queue(7, 1, false, 3), queue(8, 1, false, 0), queue(9, 2, true, 0)];
    expect(queuePolicies.user(request(7, ...queues))).toBe(0);
    expect(queuePolicies.user(request(8, ...queues))).toBe(1);
    expect(queuePolicies.user(request(undefined, ...queues))).toBe(2);
    expect(queuePolicies.user(request(7, queue(8, 1, true, 0), queue(9, 2, true, 0)))).toBe(1);
  });

  it('least-loaded takes the queue with the fewest submissions; among equals a paging queue', () => {
    const choose = queuePolicies['least-loaded'];
    expect(choose(request(7, queue(7, 1, false, 1), queue(8, 1, false, 0), queue(9, 2, true, 2)))).toBe(1);
    expect(choose(request(7, queue(7, 2, false, 1), queue(8, 1, true, 1), queue(9, 2, true, 2)))).toBe(1);
  });

  it('highest-priority takes the highest; among equals a paging queue, then the emptier', () => {
    const choose = queuePolicies['highest-priority'];
    expect(choose(request(7, queue(7, 2, false, 9), queue(8, 1, true, 0)))).toBe(0);
    expect(choose(request(7, queue(7, 1, false, 0), queue(8, 1, true, 9), queue(9, 1, true, 3)))).toBe(2);
  });
});

describe('preemption policies', () => {
  const at = (waitUs: number) => ({ kind: 'flush', residentUnits: 100, preemptionUs: 2, waitUs }) as const;

  it('weigh interrupts where waiting costs more than saving every unit', () => {
    expect(preemptionPolicies.weigh(at(200))).toBe(false);
    expect(preemptionPolicies.weigh(at(201))).toBe(true);
    expect(preemptionPolicies.never(at(1e9))).toBe(false);
    expect(preemptionPolicies.always(at(0))).toBe(true);
  });

  it('expects what was measured lately, and less of it while nothing is measured', () => {
    const estimate = new WaitEstimate();
    estimate.sample(80);
    expect(estimate.us).toBe(80);
    estimate.sample(160);
    expect(estimate.us).toBe(90);
    for (let i = 0; i < 80; i++) estimate.fade();
    expect(estimate.us).toBeGreaterThan(0);
    expect(estimate.us).toBeLessThan(10);
  });
});
