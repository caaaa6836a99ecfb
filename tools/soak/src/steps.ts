import { PAGE } from './config.js';
import { type Launcher, pagesOf } from './launch.js';
import type { Random } from './random.js';
import type { Area, World } from './world.js';

/** Launches under way at most. */
const MOST_RUNNING = 3;

type Step = (world: World, random: Random, launcher: Launcher) => Promise<string> | string;

/** What a run does, and how often. */
const STEPS: readonly (readonly [weight: number, step: Step])[] = [
  [30, start],
  [14, waitForOne],
  [12, readByCpu],
  [10, writeByCpu],
  [5, readByDevice],
  [5, writeByDevice],
  [3, fillByDevice],
  [2, move],
  [2, harvest],
  [2, discard],
  [2, mapAnew],
  [1, fork],
  [1, protect],
  [1, lose],
];

/** Does one thing, and says what. */
export async function takeStep(world: World, random: Random, launcher: Launcher): Promise<string> {
  let left = random.below(STEPS.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, step] of STEPS) {
    left -= weight;
    if (left < 0) return `${step.name}: ${await step(world, random, launcher)}`;
  }
  throw new RangeError('weights add up');
}

/** Waits for everything under way. */
export async function waitForAll({ running }: World): Promise<string> {
  const all = running.splice(0);
  for (const { fence, end } of all) {
    await fence.wait({ timeoutMs: 60_000 });
    end();
  }
  return `${all.length} launches`;
}

/** Compares everything with the model. */
export async function compareAll(world: World): Promise<void> {
  for (const area of world.areas) await compare(world, area, 0, area.words.length);
}

async function start(world: World, _random: Random, launcher: Launcher): Promise<string> {
  if (world.running.length === MOST_RUNNING) await waitForAll(world);
  return launcher.launch();
}

async function waitForOne({ running }: World, random: Random): Promise<string> {
  if (running.length === 0) return 'nothing runs';
  const [one] = running.splice(random.below(running.length), 1);
  await one!.fence.wait({ timeoutMs: 60_000 });
  one!.end();
  return one!.what;
}

async function readByCpu(world: World, random: Random): Promise<string> {
  const area = random.pick(world.areas);
  if (area.writing) return 'nothing: it is being written';
  const { from, count } = rangeIn(random, area);
  await compare(world, area, from, count);
  return `${count} words`;
}

async function writeByCpu(world: World, random: Random): Promise<string> {
  const area = freeArea(world, random);
  if (area === undefined) return 'nothing: none is free';
  const { from, count } = rangeIn(random, area);
  const data = Uint32Array.from({ length: count }, () => random.word());
  await world.space.write(area.address + 4 * from, new Uint8Array(data.buffer));
  area.words.set(data, from);
  return `${count} words`;
}

async function readByDevice(world: World, random: Random): Promise<string> {
  const area = random.pick(world.areas);
  if (area.writing) return 'nothing: it is being written';
  const { from, count } = rangeIn(random, area);
  check(area, from, await world.mirror.read(area.address + 4 * from, 4 * count), 'read by the device');
  return `${count} words`;
}

async function writeByDevice(world: World, random: Random): Promise<string> {
  const area = freeArea(world, random);
  if (area === undefined) return 'nothing: none is free';
  const from = random.below(area.words.length - 8);
  const data = Uint32Array.from({ length: random.between(1, 8) }, () => random.word());
  await world.mirror.write(area.address + 4 * from, new Uint8Array(data.buffer));
  area.words.set(data, from);
  const value = random.word();
  const previous = await world.mirror.atomicAdd(area.address + 4 * from, value);
  if (previous !== data[0]) throw new Error(`an atomic addition found ${previous}, not ${data[0]}`);
  area.words[from] = data[0] + value;
  return `${data.length} words, and one added to`;
}

async function fillByDevice(world: World, random: Random): Promise<string> {
  const area = freeArea(world, random);
  if (area === undefined) return 'nothing: none is free';
  const { from, count } = rangeIn(random, area);
  const value = random.below(256);
  await world.mirror.fill(area.address + 4 * from, 4 * count, value);
  area.words.fill(value * 0x01010101, from, from + count);
  return `${count} words`;
}

async function move(world: World, random: Random): Promise<string> {
  const { address, bytes } = pagesIn(random, random.pick(world.areas));
  const how = random.below(3);
  if (how === 0) await world.mirror.prefetch(address, bytes);
  else await world.mirror.migrate(address, bytes, how === 1 ? 'device' : 'host');
  return `${bytes / PAGE} pages`;
}

async function harvest(world: World, random: Random): Promise<string> {
  const { address, bytes } = pagesIn(random, random.pick(world.areas));
  const { accessed } = await world.mirror.harvest(address, bytes);
  return `${accessed} of ${bytes / PAGE} pages accessed`;
}

async function discard(world: World, random: Random): Promise<string> {
  const area = freeArea(world, random);
  if (area === undefined) return 'nothing: none is free';
  const { address, bytes } = pagesIn(random, area);
  await world.space.dontNeed(address, bytes);
  zero(area, address, bytes);
  return `${bytes / PAGE} pages`;
}

async function mapAnew(world: World, random: Random): Promise<string> {
  const area = freeArea(world, random);
  if (area === undefined) return 'nothing: none is free';
  const { address, bytes } = pagesIn(random, area);
  if (random.chance(1, 2)) await world.space.unmap(address, bytes);
  world.space.map({ address, bytes, fixed: true });
  zero(area, address, bytes);
  return `${bytes / PAGE} pages`;
}

async function fork(world: World, random: Random): Promise<string> {
  if (world.running.length > 0) return 'nothing: launches run';
  const child = await world.space.fork();
  const area = random.pick(world.areas);
  const { from, count } = rangeIn(random, area);
  const before = area.words.slice(from, from + count);
  const data = Uint32Array.from({ length: count }, () => random.word());
  await world.mirror.write(area.address + 4 * from, new Uint8Array(data.buffer));
  area.words.set(data, from);
  check({ words: before }, 0, await child.read(area.address + 4 * from, 4 * count), 'in a fork');
  await child.close();
  return `${count} words`;
}

async function protect(world: World, random: Random): Promise<string> {
  const area = freeArea(world, random);
  if (area === undefined) return 'nothing: none is free';
  const { address, bytes } = pagesIn(random, area);
  await world.space.protect(address, bytes, 'read');
  const code = await world.mirror.fill(address, 4, 1).then(
    () => 'no error',
    (error: { code?: string }) => error.code,
  );
  if (code !== 'ACCESS_DENIED') throw new Error(`a write to read-only memory gave ${code}`);
  await world.space.protect(address, bytes, 'read-write');
  return `${bytes / PAGE} pages`;
}

async function lose(world: World, random: Random): Promise<string> {
  if (!random.chance(1, 4)) return 'nothing: not this time';
  await waitForAll(world);
  await world.lose();
  return 'the device';
}

async function compare(world: World, area: Area, from: number, count: number): Promise<void> {
  check(area, from, await world.space.read(area.address + 4 * from, 4 * count), 'read by the CPU');
}

function check({ words }: Pick<Area, 'words'>, from: number, bytes: Uint8Array, how: string): void {
  const found = new Uint32Array(bytes.slice().buffer);
  for (let i = 0; i < found.length; i++) {
    if (found[i] === words[from + i]) continue;
    const wrong = found.reduce((sum, value, j) => sum + Number(value !== words[from + j]), 0);
    throw new Error(
      `word ${from + i} is ${found[i]}, not ${words[from + i]} (${how}; ${wrong} of ${found.length} words are wrong)`,
    );
  }
}

function freeArea({ areas }: World, random: Random): Area | undefined {
  const free = areas.filter(({ readers, writing }) => readers === 0 && !writing);
  return free.length === 0 ? undefined : random.pick(free);
}

function rangeIn(random: Random, { words }: Area): { from: number; count: number } {
  const from = random.below(words.length);
  return { from, count: Math.min(words.length - from, random.between(1, random.pick([16, 4096, 65_536]))) };
}

function pagesIn(random: Random, area: Area): { address: number; bytes: number } {
  const first = random.below(pagesOf(area));
  const count = Math.min(pagesOf(area) - first, random.between(1, 32));
  return { address: area.address + first * PAGE, bytes: count * PAGE };
}

function zero({ address, words }: Area, start: number, bytes: number): void {
  words.fill(0, (start - address) / 4, (start - address + bytes) / 4);
}
