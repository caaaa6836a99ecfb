import { type AddressSpace, createSpace, managedMemory, type Mirror, type Region } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { checkEqual, table } from './report.js';
import { loadWeights, type Model, weightOf } from './weights.js';

const SPACES = 4;
const MiB = 2 ** 20;
const model: Model = { bytes: 16 * MiB, tunedEvery: 16 };

/** A user of the model: a space of its own, with its own copy of the weights. */
interface Tenant {
  readonly space: AddressSpace;
  readonly mirror: Mirror;
  readonly weights: Region;
}

// One host memory and one device for all. Nothing else joins the tenants: no file, no shared region, no fork.
const host = managedMemory();
const device = await memory.open({ memory: 64 * MiB });

const tenants: Tenant[] = [];
for (let id = 0; id < SPACES; id++) {
  const space = await createSpace({ host });
  const mirror = await space.attach(device);
  const weights = space.map({ bytes: model.bytes, name: `weights of ${id}` });
  await space.advise(weights.address, weights.bytes, { mergeable: true });
  await space.write(weights.address, loadWeights(model, id));
  tenants.push({ space, mirror, weights });
}

const before = host.used * host.pageSize;
const pass = await tenants[0]!.space.merge();
const after = host.used * host.pageSize;

// A second pass has nothing left to do.
const again = await tenants[1]!.space.merge();

// One tenant goes on training: the others keep what they had.
const [first, second] = tenants as [Tenant, Tenant];
await second.space.write(second.weights.address, new Uint8Array(Float32Array.of(42).buffer));
const split = host.used * host.pageSize - after;

// The device reads all four models. What they share is in its memory once.
const wrong = await countWrong(tenants);
const copiedIn = tenants.reduce((sum, { mirror }) => sum + mirror.stats.bytesIn, 0);

console.log(
  table([
    [`${SPACES} models of`, model.bytes],
    ['host memory before', before],
    ['host memory after', after],
    ['saved', pass.bytesSaved],
    ['copied by one write', split],
    ['copied to the device', copiedIn],
  ]),
);
console.log(
  `${pass.scanned} pages looked at, ${pass.merged} merged, ${pass.refused} refused; ${again.merged} by a second pass`,
);

const pages = model.bytes / host.pageSize;
const tuned = pages / model.tunedEvery;
checkEqual('host bytes before', before, SPACES * model.bytes);
checkEqual('host bytes after', after, (pages + (SPACES - 1) * tuned) * host.pageSize);
checkEqual('bytes saved', pass.bytesSaved, before - after);
checkEqual('pages looked at', pass.scanned, SPACES * pages);
checkEqual('pages merged', pass.merged, (SPACES - 1) * (pages - tuned));
checkEqual('pages refused', pass.refused, 0);
checkEqual('pages merged by a second pass', again.merged, 0);
checkEqual('bytes copied by one write', split, host.pageSize);
checkEqual('weights that the device read wrong', wrong, 0);
checkEqual('bytes copied to the device', copiedIn, after + split);
checkEqual('what the first tenant has', await firstWeight(first), weightOf(model, 0, 0));
checkEqual('what the second tenant has', await firstWeight(second), 42);

for (const { space } of tenants) await space.close();
await device.close();

/** Reads every model on the device, and counts the weights that are not what they should be. */
async function countWrong(all: readonly Tenant[]): Promise<number> {
  let count = 0;
  for (const [id, { mirror, weights }] of all.entries()) {
    const seen = new Uint32Array((await mirror.read(weights.address, weights.bytes)).buffer);
    const expected = new Uint32Array(loadWeights(model, id).buffer);
    if (id === 1) expected.set(new Uint32Array(Float32Array.of(42).buffer));
    for (let i = 0; i < expected.length; i++) if (seen[i] !== expected[i]) count++;
  }
  return count;
}

async function firstWeight({ space, weights }: Tenant): Promise<number> {
  return new Float32Array((await space.read(weights.address, 4)).buffer)[0]!;
}
