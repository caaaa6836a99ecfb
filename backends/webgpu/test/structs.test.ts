import { structs } from '@mirrorspace/webgpu/structs';
import { findGpu } from '#find-gpu';
import { describe, expect, test } from 'vitest';
import { createRig, PAGE, single, words } from './helpers.js';

const RECORD = `
const SIDES = 3;
struct Mass { centre: vec3f, mass: f32 }
struct Record {
  id: u32, // padding follows
  axis: vec3<f32>,
  weight: f32,
  next: address,
  turn: mat3x3f,
  skew: mat2x4<f32>,
  @align(32) tag: vec2i,
  parts: array<Mass, 2>,
  @size(48) corners: array<vec3u, SIDES - 1>,
  grid: array<array<f32, 2>, SIDES>,
  last: Mass,
}`;
/** Every number of a record, one behind the other. */
const LEAVES = [
  ...['v.id', 'v.axis.x', 'v.axis.y', 'v.axis.z', 'v.weight'],
  ...[0, 1, 2].flatMap((c) => ['x', 'y', 'z'].map((r) => `v.turn[${c}].${r}`)),
  ...[0, 1].flatMap((c) => ['x', 'y', 'z', 'w'].map((r) => `v.skew[${c}].${r}`)),
  ...['v.tag.x', 'v.tag.y'],
  ...['v.parts[0]', 'v.parts[1]', 'v.last'].flatMap((p) => [`${p}.centre.y`, `${p}.centre.z`, `${p}.mass`]),
  ...['v.corners[0].x', 'v.corners[1].y', 'v.corners[1].z'],
  ...['v.grid[0][1]', 'v.grid[1][0]', 'v.grid[2][1]'],
];
/** Declares `leaves` in WGSL: the bits of every number of a record. */
const flatten = (of: string) =>
  `let v = ${of}; var leaves = array(${LEAVES.map((leaf) => `bitcast<u32>(${leaf})`).join(', ')});`;

/** What WGSL itself makes of records in a storage buffer. */
async function leavesByCompiler(bytes: Uint8Array<ArrayBuffer>, count: number, address: string): Promise<Uint32Array> {
  const adapter = await (await findGpu())?.requestAdapter();
  if (adapter === undefined || adapter === null) throw new Error('no adapter: CI has to have one');
  const device = await adapter.requestDevice();
  const code = `alias address = ${address}; ${RECORD}
    @group(0) @binding(0) var<storage, read> records: array<Record>;
    @group(0) @binding(1) var<storage, read_write> all: array<u32>;
    @compute @workgroup_size(1) fn main(@builtin(workgroup_id) id: vec3u) {
      ${flatten('records[id.x]')}
      for (var i = 0u; i < ${LEAVES.length}u; i++) { all[id.x * ${LEAVES.length}u + i] = leaves[i]; }
    }`;
  const size = count * LEAVES.length * 4;
  const records = device.createBuffer({ size: bytes.length, usage: 0x8c });
  const leaves = device.createBuffer({ size, usage: 0x84 });
  const back = device.createBuffer({ size, usage: 0x9 });
  device.queue.writeBuffer(records, 0, bytes);
  const pipeline = device.createComputePipeline({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }) },
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  const entries = [records, leaves].map((buffer, binding) => ({ binding, resource: { buffer } }));
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(count);
  pass.end();
  encoder.copyBufferToBuffer(leaves, 0, back, 0, size);
  device.queue.submit([encoder.finish()]);
  await back.mapAsync(1);
  const found = new Uint32Array(back.getMappedRange().slice(0));
  back.unmap();
  device.destroy();
  return found;
}

describe.each([
  { addressBits: 34, address: 'u32', high: 2 ** 33 + 2 ** 31 },
  { addressBits: 47, address: 'vec2u', high: 2 ** 46 + 2 ** 33 - 4 * PAGE },
])('structs with $addressBits address bits', ({ addressBits, address: type, high }) => {
  const records = structs(RECORD, { addressBits });
  const record = records.of('Record');

  test('lie in memory as WGSL lays them out, and load, store and come back as they were', async () => {
    const count = 40;
    const bytes = new Uint8Array(count * record.bytes);
    new Float32Array(bytes.buffer).forEach((_, i, all) => (all[i] = i + 0.5));
    const expected = await leavesByCompiler(bytes, count, type);
    await using rig = await createRig(6, { addressBits });
    const from = rig.space.map({ bytes: 8 * PAGE, address: high, fixed: true }).address;
    const to = rig.space.map({ bytes: 8 * PAGE }).address;
    const leaves = rig.space.map({ bytes: 4 * PAGE }).address;
    // Odd places: structs straddle pages, and begin at no multiple of their alignment.
    await rig.space.write(from + 4, bytes);
    await rig.space.write(to, new Uint8Array(8 * PAGE).fill(0xee));
    const program = single(`${records.wgsl}
      fn run(unit: Unit) {
        let a = at_Record(advance(arg_address(0u), 1u), unit.index);
        store_Record(at_Record(advance(arg_address(1u), 3u), unit.index), load_Record(a));
        let to = advance(arg_address(2u), unit.index * ${LEAVES.length}u);
        ${flatten('load_Record(a)')}
        for (var i = 0u; i < ${LEAVES.length}u; i++) { store_u32(advance(to, i), leaves[i]); }
      }`);
    await rig.mirror.launch(program, { grid: [count], args: [from, to, leaves] }).wait();
    expect(await words(rig.space, leaves, count * LEAVES.length)).toEqual(expected);
    const copy = await rig.space.read(to + 12, bytes.length);
    const padding = [1, 2, 3, record.offsets['turn']! / 4 + 3];
    for (let i = 0; i < count; i++) {
      const found = new Uint32Array(copy.buffer, copy.byteOffset + i * record.bytes, record.bytes / 4);
      expect(padding.map((word) => found[word])).toEqual(padding.map(() => 0xeeeeeeee));
      const views = record.view(copy, i * record.bytes).views;
      const source = record.view(bytes, i * record.bytes).views;
      for (const member of ['id', 'axis', 'weight', 'next', 'skew', 'tag', 'parts', 'grid', 'last'])
        expect(views[member]).toEqual(source[member]);
    }
    expect(rig.mirror.stats.evictions).toBeGreaterThan(0);
  });

  test('their members load and store alone, and leave their neighbours as they are', async () => {
    await using rig = await createRig(8, { addressBits });
    const { address } = rig.space.map({ bytes: 4 * PAGE, address: high, fixed: true });
    const bytes = new Uint8Array(2 * record.bytes);
    const [first, second] = [0, 1].map((i) => record.view(bytes, i * record.bytes));
    first!.set({ id: 7, axis: [1, 2, 3], weight: 4, next: records.pointer(address + record.bytes) });
    second!.set({ parts: [{ centre: [5, 6, 7], mass: 8 }], grid: [[], [9, 10]], tag: [-1, -2] });
    await rig.space.write(address, bytes);
    const program = single(`${records.wgsl}
      fn run(unit: Unit) {
        let a = arg_address(0u);
        let b = load_Record_next(a);
        store_Record_weight(a, load_Record_axis(a).z + load_Mass_mass(at_Record_parts(b, 0u)) + f32(load_Record_id(a)));
        store_Record_turn(b, mat3x3f(load_Record_axis(a), vec3f(4.0, 5.0, 6.0), load_Mass_centre(at_Record_parts(b, 0u))));
        store_Record_skew(a, mat2x4f(vec4f(1.0), vec4f(load_Record_turn(b)[2], f32(load_Record_tag(b).y))));
        store_Record_corners(b, 1u, vec3u(11u, 12u, 13u));
        store_f32(advance(at_Record_grid(b, 2u), 1u), load_f32(advance(at_Record_grid(b, 1u), 1u)));
        store_Record_next(b, a);
        store_Mass(at_Record_parts(a, 1u), Mass(vec3f(14.0, 15.0, 16.0), 17.0));
        store_Mass(at_Record_last(a), load_Mass(at_Record_parts(b, 0u)));
      }`);
    await rig.mirror.launch(program, { args: [address] }).wait();
    const found = await rig.space.read(address, bytes.length);
    first!.set({ weight: 3 + 8 + 7, skew: [1, 1, 1, 1, 5, 6, 7, -2], parts: [{}, { centre: [14, 15, 16], mass: 17 }] });
    first!.set({ last: { centre: [5, 6, 7], mass: 8 } });
    second!.set({
      turn: [1, 2, 3, 0, 4, 5, 6, 0, 5, 6, 7],
      corners: [0, 0, 0, 0, 11, 12, 13],
      grid: [[], [], [0, 10]],
    });
    second!.set({ next: records.pointer(address) });
    expect(found).toEqual(bytes);
    const next = record.view<{ next: Uint32Array }>(found, record.bytes).views.next;
    expect(records.addressIn(next)).toBe(address);
  });
});

describe('structs', () => {
  test('say how large they are, and where their members lie', () => {
    const types = structs(
      'struct A { at: vec3f, w: f32, next: address, b: vec3f } struct B { x: u32, a: array<A, 2> }',
    );
    expect([types.of('A').bytes, types.of('A').offsets]).toEqual([48, { at: 0, w: 12, next: 16, b: 32 }]);
    expect([types.of('B').bytes, types.of('B').offsets]).toEqual([112, { x: 0, a: 16 }]);
  });

  test.each([
    ['', 'no struct'],
    ['struct A { x: u32 ', 'cannot be read'],
    ['struct A { x: bool }', 'A.x is of the type bool'],
    ['struct A { x: vec2<f16> }', 'A.x is of the type vec2'],
    ['struct A { x: Missing }', 'A.x is of the type Missing'],
    ['struct A { n: u32, x: array<u32> }', 'A.x: an array in memory needs a length'],
    ['struct A { x: atomic<u32> }', 'atomicAdd_u32'],
    ['struct A { x: array<u32, N> }', 'the length N'],
    ['struct A { x: array<u32, 2 * N> }', 'the length N'],
  ])('%s is refused', (code, message) => {
    expect(() => structs(code)).toThrow(TypeError);
    expect(() => structs(code)).toThrow(message);
  });

  test('refuse what they are given wrongly', () => {
    const types = structs('struct A { x: u32, y: u32 }');
    const view = (bytes: unknown, at?: number) => () => types.of('A').view(bytes as Uint8Array, at);
    expect(() => structs(1 as never)).toThrow(TypeError);
    expect(() => structs('struct A { x: u32 }', { addressBits: 48 })).toThrow(RangeError);
    expect(() => types.of('B')).toThrow('there is no struct B; there are A');
    expect(view([])).toThrow(TypeError);
    for (const at of [1, -4, 4, NaN]) expect(view(new Uint8Array(8), at)).toThrow(RangeError);
    expect(view(new Uint8Array(16).subarray(2))).toThrow('multiple of 4');
    expect(() => types.pointer('4' as never)).toThrow(TypeError);
    for (const address of [2, -4, 2 ** 34, NaN]) expect(() => types.pointer(address)).toThrow(RangeError);
    expect(globalThis).not.toHaveProperty('GPUShaderStage');
  });
});
