import { type Column, short, table } from '../table.js';
import type { BreakEven, FaultingRow, Row } from './experiment.js';

/** Everything that the experiment found. */
export interface Findings {
  readonly node: string;
  /** Bytes that a callback allocates once it is warm. */
  readonly allocatedBytes: number;
  readonly placements: readonly Row[];
  readonly preemptions: readonly Row[];
  readonly faultings: readonly FaultingRow[];
  readonly roundLengths: readonly Row[];
  readonly breakEvens: readonly BreakEven[];
}

const placementColumns: readonly Column<Row>[] = [
  { title: 'queue', text: ({ scenario }) => scenario.placement, left: true },
  { title: 'priorities', text: ({ scenario }) => (scenario.priorities ? 'yes' : 'no'), left: true },
  { title: 'in front', text: ({ scenario }) => short(scenario.front) },
  { title: 'callback ns/page', text: ({ outcome }) => short(outcome.callbackNs) },
  { title: 'submissions', text: ({ outcome }) => short(outcome.submissions) },
  { title: 'commands/page', text: ({ outcome }) => outcome.commandsPerPage.toFixed(4) },
  { title: 'flush µs', text: ({ outcome }) => short(outcome.flushUs) },
  { title: 'launches held up µs', text: ({ outcome }) => short(outcome.lostUs) },
];

const preemptionColumns: readonly Column<Row>[] = [
  { title: 'µs/unit', text: ({ scenario }) => short(scenario.preemptionUs ?? 0) },
  { title: 'units', text: ({ scenario }) => short(scenario.units) },
  { title: 'cost µs', text: ({ scenario }) => short((scenario.preemptionUs ?? 0) * scenario.units) },
  { title: 'preemption', text: ({ scenario }) => scenario.preemption, left: true },
  { title: 'preempted', text: ({ outcome, scenario }) => `${outcome.preemptions} of ${scenario.flushes}` },
  { title: 'mean flush µs', text: ({ outcome }) => short(outcome.flushUs) },
  { title: 'longest µs', text: ({ outcome }) => short(outcome.longestUs) },
  { title: 'launches held up µs/flush', text: ({ outcome }) => short(outcome.lostUs) },
];

const faultingColumns: readonly Column<FaultingRow>[] = [
  { title: 'µs/unit', text: ({ scenario }) => short(scenario.preemptionUs ?? 0) },
  { title: 'units', text: ({ scenario }) => short(scenario.units) },
  { title: 'cost µs', text: ({ scenario }) => short((scenario.preemptionUs ?? 0) * scenario.units) },
  { title: 'preemption', text: ({ scenario }) => scenario.preemption, left: true },
  { title: 'preempted', text: ({ faulting }) => short(faulting.preemptions) },
  { title: 'ended after µs', text: ({ faulting }) => short(faulting.endUs) },
  { title: 'launches held up µs', text: ({ faulting }) => short(faulting.lostUs) },
];

const breakEvenColumns: readonly Column<BreakEven>[] = [
  { title: 'µs/unit', text: ({ unitCostUs }) => short(unitCostUs) },
  { title: 'units', text: ({ units }) => short(units) },
  { title: 'cost µs', text: ({ costUs }) => short(costUs) },
  { title: 'break-even round µs', text: ({ roundUs }) => short(roundUs) },
];

/** The findings for people. */
export function describe(findings: Findings): string {
  const { placements, preemptions, faultings, breakEvens, allocatedBytes, node } = findings;
  const pages = placements[0]?.scenario.pages ?? 0;
  const roundUs = placements[0]?.scenario.roundUs ?? 0;
  return [
    `1. ${short(pages)} pages unmapped one by one in one turn, behind launches of ${short(roundUs)} µs each that just began`,
    '',
    table(placementColumns, placements),
    '',
    `The callback allocates ${short(allocatedBytes)} bytes a call, submits nothing and awaits nothing. Its nanoseconds are wall time (Node ${node}); all µs are simulated.`,
    '',
    `2. Flushes of one page, one after the other, while launches of ${short(preemptions[0]?.scenario.roundUs ?? 0)} µs run`,
    '',
    table(preemptionColumns, preemptions),
    '',
    `3. A launch that faults on 16 pages, one after the other, beside launches of ${short(roundUs)} µs on another queue`,
    '',
    table(faultingColumns, faultings),
    '',
    '4. From which round length on interrupting is quicker than waiting, for an update that comes as a round begins',
    '',
    table(breakEvenColumns, breakEvens),
  ].join('\n');
}
