import { defineCases, PAGE_SIZES } from '../../case.js';
import { bytesEqual, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { FIRST_PAGE, Rig, RW } from '../../rig.js';

const everySize = { pageSize: PAGE_SIZES };

export const mapping = defineCases({ level: 'driver', area: 'mapping', needs: ['mmu:managed', 'frames:4'] }, [
  {
    name: 'read-through-entry',
    rule: 'MapCommand: page p is the virtual bytes [p * pageSize, (p + 1) * pageSize), frame f the same of device memory',
    mend: 'translate with the page size of the entry; check that frames count in units of that page size',
    tags: ['hmm:anon_read'],
    cross: everySize,
    async run(env) {
      const rig = await Rig.open(env);
      const bytes = pattern(1, rig.pageSize);
      await rig.load(2, bytes);
      await rig.map([0], [2]);
      bytesEqual(await rig.read(rig.at(0), rig.pageSize), bytes, 'a page read through its entry');
    },
  },
  {
    name: 'write-through-entry',
    rule: 'WriteCommand: the bytes reach the frame that the entry names',
    mend: 'store through the translation of each page, not through the first page of the access',
    tags: ['hmm:anon_write'],
    cross: everySize,
    async run(env) {
      const rig = await Rig.open(env);
      const bytes = pattern(2, rig.pageSize);
      await rig.load(3, new Uint8Array(rig.pageSize));
      await rig.map([0], [3]);
      await rig.write(rig.at(0), bytes);
      bytesEqual(await rig.unload(3), bytes, 'a frame written through its entry');
    },
  },
  {
    name: 'access-across-pages',
    rule: 'ReadCommand, WriteCommand: an access may cross pages whose frames are not neighbours',
    mend: 'split accesses at page boundaries and translate each part by itself',
    tags: ['hmm:anon_read_multiple', 'igt:stride'],
    cross: everySize,
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 1], [3, 1]);
      const bytes = pattern(3, 600);
      await rig.write(rig.at(1, -300), bytes);
      bytesEqual(await rig.read(rig.at(1, -300), 600), bytes, 'read back across the boundary');
      bytesEqual((await rig.unload(3)).slice(-300), bytes.slice(0, 300), 'tail of the first frame');
      bytesEqual((await rig.unload(1)).slice(0, 300), bytes.slice(300), 'head of the second frame');
    },
  },
  {
    name: 'neighbours-untouched',
    rule: 'R3: a frame has one owner; a store to one page changes no other frame',
    mend: 'bounds-check offsets inside the page: the last bytes of a page must not spill into the next frame',
    cross: everySize,
    async run(env) {
      const rig = await Rig.open(env);
      const before = pattern(4, rig.pageSize);
      for (const frame of [0, 1, 2]) await rig.load(frame, before);
      await rig.map([0, 1, 2], [0, 1, 2]);
      await rig.write(rig.at(1), new Uint8Array(3).fill(0xaa));
      await rig.write(rig.at(2, -3), new Uint8Array(3).fill(0xbb));
      bytesEqual(await rig.unload(0), before, 'the frame before');
      bytesEqual(await rig.unload(2), before, 'the frame behind');
      const expected = before.slice();
      expected.fill(0xaa, 0, 3).fill(0xbb, rig.pageSize - 3);
      bytesEqual(await rig.unload(1), expected, 'the frame itself');
    },
  },
  {
    name: 'odd-offsets-and-lengths',
    rule: 'ReadCommand, WriteCommand: any byte address and any length ≥ 1',
    mend: 'do not round accesses to words: keep the bytes beside the access',
    tags: ['igt:once'],
    cross: { length: [1, 2, 3, 5, 7, 63] },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      const expected = pattern(5, 256);
      await rig.write(rig.at(0), expected);
      const length = Number(env.params['length']);
      for (const offset of [1, 2, 3, 61]) {
        const bytes = pattern(6 + offset, length);
        await rig.write(rig.at(0, offset), bytes);
        expected.set(bytes, offset);
        bytesEqual(await rig.read(rig.at(0, offset), length), bytes, `${length} bytes at offset ${offset}`);
      }
      bytesEqual(await rig.read(rig.at(0), 256), expected, 'the bytes around');
    },
  },
  {
    name: 'map-replaces',
    rule: 'MapCommand: makes entries present, replacing what was there',
    mend: 'overwrite the old entry; after flushTlb the new frame must be seen',
    cross: everySize,
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(1, pattern(7, 64));
      await rig.load(2, pattern(8, 64));
      await rig.map([0], [1]);
      await rig.read(rig.at(0), 64);
      await rig.page(rig.mapCommand([0], [2]), rig.flushCommand([0]));
      bytesEqual(await rig.read(rig.at(0), 64), pattern(8, 64), 'the page after it was mapped to another frame');
    },
  },
  {
    name: 'sparse-pages',
    needs: ['pages:4'],
    rule: 'DeviceMmu.addressBits: every page below 2^addressBits can be mapped',
    mend: 'keep all bits of the page number: multiply and divide, do not shift in 32 bits',
    tags: ['igt:large'],
    cross: everySize,
    async run(env) {
      const rig = await Rig.open(env);
      const top = 2 ** rig.mmu.addressBits / rig.pageSize - 1 - FIRST_PAGE;
      const pages = [0, Math.floor(top / 3), Math.floor(top / 2), top];
      await rig.map(pages, [0, 1, 2, 3]);
      for (const [i, page] of pages.entries()) await rig.write(rig.at(page, 40), pattern(i, 24));
      for (const [i, page] of pages.entries()) {
        bytesEqual(await rig.read(rig.at(page, 40), 24), pattern(i, 24), `page ${page + FIRST_PAGE}`);
      }
      bytesEqual((await rig.unload(3)).slice(40, 64), pattern(3, 24), 'frame of the last page of the address space');
    },
  },
  {
    name: 'only-count-counts',
    rule: 'PageList: only the first `count` elements count',
    mend: 'take the number of pages from count, not from the length of the arrays',
    needs: ['replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      const long = { pages: Float64Array.of(FIRST_PAGE, FIRST_PAGE + 1), frames: Uint32Array.of(0, 1) };
      const access = new Uint8Array(2).fill(RW);
      await rig.page({ kind: 'map', mmu: rig.mmu.id, pageSize: rig.pageSize, count: 1, ...long, access });
      await rig.write(rig.at(0), pattern(1, 8));
      rig.start(rig.readCommand(rig.at(1), new Uint8Array(8)));
      const [fault] = await rig.faults();
      ok(fault?.page === 1, 'the page beyond count must not be mapped');
    },
  },
  {
    name: 'arrays-are-free-after-the-fence',
    rule: 'PageList: the arrays belong to the command until its fence settles',
    mend: 'copy what the device needs later out of the command; keep no reference to its arrays',
    async run(env) {
      const rig = await Rig.open(env);
      const command = rig.mapCommand([0, 1], [0, 1]);
      await rig.page(command);
      if (command.kind === 'map') {
        command.frames.fill(3);
        command.access.fill(0);
        command.pages.fill(99);
      }
      await rig.write(rig.at(1), pattern(1, 16));
      bytesEqual((await rig.unload(1)).slice(0, 16), pattern(1, 16), 'frame 1 after the arrays were reused');
    },
  },
  {
    name: 'unmap-removes',
    rule: 'UnmapCommand: after unmap and flushTlb no access succeeds',
    mend: 'drop the entry from the table and the translation from every cache',
    cross: everySize,
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 1], [0, 1]);
      await rig.write(rig.at(0), pattern(1, 16));
      await rig.unmap([0]);
      const fence = rig.start(rig.readCommand(rig.at(0), new Uint8Array(16)));
      if (rig.device.features.has('replayable-faults')) {
        await rig.faults();
        await rig.page(rig.cancelCommand([0], 0), rig.replayCommand());
      }
      await rejects(rig.wait(fence), ['ADDRESS_NOT_MAPPED'], 'read of an unmapped page');
      await rig.write(rig.at(1), pattern(2, 16));
    },
  },
  {
    name: 'unmap-absent',
    rule: 'UnmapCommand: an absent entry is no error, its bits are 0',
    mend: 'skip absent entries and write 0 into bits',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([1], [1]);
      await rig.read(rig.at(1), 4);
      const bits = new Uint8Array(3).fill(0xff);
      await rig.page(rig.unmapCommand([0, 1, 2], bits), rig.flushCommand());
      ok(bits[0] === 0 && bits[2] === 0, 'bits of absent entries must be 0');
      ok(bits[1] !== 0 && bits[1] !== 0xff, 'bits of the present entry between them must be reported');
    },
  },
  {
    name: 'most-pages-in-a-command',
    rule: 'limits.pagesPerCommand: a command may list that many pages',
    mend: 'claim what one command can take, and take what is claimed',
    async run(env) {
      const rig = await Rig.open(env);
      const count = Math.min(rig.device.limits.pagesPerCommand, rig.frameCount, 4096);
      const pages = Array.from({ length: count }, (_, i) => i);
      const frames = pages.map((page) => count - 1 - page);
      await rig.map(pages, frames);
      const probes = [0, Math.floor(count / 2), count - 1];
      for (const page of probes) await rig.write(rig.at(page), pattern(page, 16));
      for (const page of probes) {
        bytesEqual((await rig.unload(frames[page] ?? 0)).slice(0, 16), pattern(page, 16), `frame of page ${page}`);
      }
    },
  },
]);
