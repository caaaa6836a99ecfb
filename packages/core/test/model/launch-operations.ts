import type { JsProgram } from '@mirrorspace/core';
import { agree, alignedSpan, hasAliases, memberOf, mirrorOf, type Place, type Scene, type Span } from './scene.js';
import { type Outcome, outcomeOf } from './world.js';

/** Runs a program on a device. */
export interface LaunchOperation {
  readonly kind: 'increment' | 'copy' | 'chase';
  readonly place: Place;
  /** Where a copy goes to. */
  readonly other: Place;
  readonly device: number;
  readonly seed: number;
  /** Says what it touches. */
  readonly announced: boolean;
}

/** Adds to one word a unit. */
const increment: JsProgram = {
  language: 'js',
  run(ctx, { x }, [start, stride, by]) {
    const at = start! + x * stride!;
    ctx.store32(at, ctx.load32(at) + by!);
  },
};

/** Copies one word a unit. */
const copy: JsProgram = {
  language: 'js',
  run(ctx, { x }, [from, to, stride]) {
    ctx.store32(to! + x * stride!, ctx.load32(from! + x * stride!));
  },
};

/** Follows pointers to the one that is null, and leaves there how many it were. */
const chase: JsProgram = {
  language: 'js',
  run(ctx, _id, [head]) {
    let at = head!;
    let hops = 0;
    for (let next = ctx.loadF64(at); next !== 0; next = ctx.loadF64(at)) {
      at = next;
      hops++;
    }
    ctx.store32(at + 8, hops);
  },
};

export async function launch(scene: Scene, op: LaunchOperation): Promise<void> {
  if (op.kind === 'increment') await runIncrement(scene, op);
  else if (op.kind === 'copy') await runCopy(scene, op);
  else await runChase(scene, op);
}

async function start(
  scene: Scene,
  op: LaunchOperation,
  program: JsProgram,
  options: { args: number[]; units: number; reads: [number, number][]; writes: [number, number][] },
): Promise<Outcome<void> | undefined> {
  const mirror = mirrorOf(memberOf(scene, op.place.member), op.device);
  if (mirror === undefined) return undefined;
  const { args, units, reads, writes } = options;
  const { queues } = mirror.device;
  const users = queues.filter((queue) => !queue.paging);
  return outcomeOf(() =>
    mirror
      .launch(program, {
        args,
        grid: [units],
        queue: users[op.seed % users.length]!.id,
        ...(op.announced && { reads, writes }),
      })
      .wait({ timeoutMs: 8000 }),
  );
}

function strideOf(span: Span, seed: number): number {
  return seed % 2 === 0 ? span.plain.pageSize / 4 : span.plain.pageSize;
}

async function runIncrement(scene: Scene, op: LaunchOperation): Promise<void> {
  const span = alignedSpan(scene, op.place, 4);
  const { plain, member } = span;
  const stride = strideOf(span, op.seed);
  const words = Array.from({ length: Math.ceil(span.bytes / stride) }, (_, i) => span.start + i * stride);
  if (hasAliases(span, words)) return;
  const outcome = await start(scene, op, increment, {
    args: [span.start, stride, op.seed],
    units: words.length,
    reads: [],
    writes: [[span.start, span.bytes]],
  });
  if (outcome === undefined) return;
  const refusal = (word: number, write: boolean) => plain.refused(plain.widen(word, 4).start, word + 1, write)?.code;
  const refusals = words.map((word) => refusal(word, true));
  if (refusals.every((code) => code === undefined)) {
    agree('increment', outcome, undefined);
    for (const word of words) plain.store32(word, plain.load32(word) + op.seed);
    return;
  }
  // A unit loads before it stores.
  const codes = new Set([...refusals, ...words.map((word) => refusal(word, false))]);
  if (!('code' in outcome) || !codes.has(outcome.code))
    throw new Error(`increment: ended with ${JSON.stringify(outcome)}, the model says one of ${[...codes].join()}`);
  // Which units ran before one was refused is open; each may have run once.
  for (const [i, word] of words.entries()) {
    if (refusals[i] !== undefined) continue;
    const bytes = await member.space.read(word, 4);
    const added = (new DataView(bytes.buffer).getUint32(0, true) - plain.load32(word)) >>> 0;
    const allowed = words.map((_, times) => (times * op.seed) >>> 0);
    if (!allowed.includes(added) && added !== (words.length * op.seed) >>> 0)
      throw new Error(
        `increment: 0x${word.toString(16)} grew by ${added}, the model says by ${op.seed} at most once a unit`,
      );
    // Written again, so that a private page is private in the model just as in the space.
    await member.space.write(word, bytes);
    plain.write(word, bytes);
  }
}

async function runCopy(scene: Scene, op: LaunchOperation): Promise<void> {
  const from = alignedSpan(scene, op.place, 4);
  const to = alignedSpan(scene, { ...op.other, member: op.place.member }, 4);
  const { plain } = from;
  const stride = strideOf(from, op.seed);
  const bytes = Math.min(from.bytes, to.bytes);
  const units = Math.ceil(bytes / stride);
  const words = Array.from({ length: units }, (_, i) => i * stride);
  const source = plain.widen(from.start, words[units - 1]! + 4);
  const target = plain.widen(to.start, words[units - 1]! + 4);
  if (plain.refused(source.start, source.end, false) || plain.refused(target.start, target.end, true)) return;
  const read = new Set(words.map((word) => plain.page(from.start + word, false)));
  // Units run in any order: what they copy must not be what they write.
  if (
    hasAliases(
      to,
      words.map((word) => to.start + word),
    )
  )
    return;
  if (words.some((word) => read.has(plain.page(to.start + word, false)))) return;
  if (source.start < target.end && target.start < source.end) return;
  const outcome = await start(scene, op, copy, {
    args: [from.start, to.start, stride],
    units,
    reads: [[from.start, bytes]],
    writes: [[to.start, bytes]],
  });
  if (outcome === undefined) return;
  agree('copy', outcome, undefined);
  for (const word of words) plain.store32(to.start + word, plain.load32(from.start + word));
}

async function runChase(scene: Scene, op: LaunchOperation): Promise<void> {
  const span = alignedSpan(scene, op.place, 16);
  const { plain, member } = span;
  const mirror = mirrorOf(member, op.device);
  const stride = Math.max(16, Math.floor(span.bytes / 3 / 16) * 16);
  const nodes = [0, 2, 1].map((i) => span.start + i * stride).filter((at) => at + 16 <= span.start + span.bytes);
  const range = plain.widen(span.start, span.bytes);
  if (mirror === undefined || plain.refused(range.start, range.end, true)) return;
  // Asked without making private pages: those are copies of what is there when their node is written.
  const pageOf = (node: number) =>
    plain.at(node)!.shared ? plain.page(node, false) : Math.floor(node / plain.pageSize);
  const pages = new Set(nodes.map(pageOf));
  // A page that is mapped twice would have two nodes in one place.
  if (pages.size < new Set(nodes.map((node) => Math.floor(node / plain.pageSize))).size) return;
  for (const [i, node] of nodes.entries()) {
    const record = new Uint8Array(16);
    new DataView(record.buffer).setFloat64(0, nodes[i + 1] ?? 0, true);
    await member.space.write(node, record);
    plain.write(node, record);
  }
  const outcome = await start(scene, op, chase, {
    args: [nodes[0]!],
    units: 1,
    reads: [[span.start, span.bytes]],
    writes: [],
  });
  agree('chase', outcome!, undefined);
  plain.store32(nodes[nodes.length - 1]! + 8, nodes.length - 1);
}
