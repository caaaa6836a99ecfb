import { createSpace, MirrorError, type WgslProgram } from '@mirrorspace/core';
import { webgpu, type WebgpuOptions } from '@mirrorspace/webgpu';
import type { Port, Request, Work } from './messages.js';

const scale: WgslProgram = {
  language: 'wgsl',
  lanes: 64,
  code: `
    fn run(unit: Unit) {
      let page = page_to_store(arg_address(0u) + unit.index * page_words);
      for (var i = unit.lane; i < page_words; i += 64u) {
        store_in_f32(page, i, load_in_f32(page, i) * arg_f32(1u));
      }
    }`,
};

/** The worker's side: a space and a device of its own, for as long as messages come. Resolves when it was told to stop, and everything has ended. */
export async function serveDevice(port: Port, options: WebgpuOptions): Promise<void> {
  const opening = open(options);
  const atWork = new Set<Promise<void>>();
  const stopped = new Promise<number>((resolve) => {
    port.listen(({ id, work }: Request) => {
      if (work.kind === 'stop') {
        resolve(id);
        return;
      }
      const answered = opening
        .then((device) => device.run(work))
        .then(
          (numbers) => port.send({ id, ...numbers }, numbers === undefined ? [] : [numbers.numbers.buffer]),
          (error: unknown) => port.send({ id, ...explain(error) }, []),
        )
        .finally(() => atWork.delete(answered));
      atWork.add(answered);
    });
  });
  const id = await stopped;
  // What is in flight ends, or fails with CLOSED, and is answered; then nothing is left that the worker's end could tear apart.
  const bytesHeld = await opening.then((device) => device.close()).catch(() => 0);
  await Promise.all(atWork);
  port.send({ id, bytesHeld }, []);
}

async function open(options: WebgpuOptions) {
  const device = await webgpu.open(options);
  const space = await createSpace({ addressBits: device.limits.addressBits });
  const mirror = await space.attach(device);
  let region = space.map({ bytes: space.pageSize });

  return {
    async run(work: Work): Promise<{ numbers: Float32Array<ArrayBuffer> } | undefined> {
      switch (work.kind) {
        case 'load':
          await region.unmap();
          region = space.map({ bytes: work.numbers.byteLength });
          await space.write(region.address, new Uint8Array(work.numbers.buffer));
          return undefined;
        case 'scale': {
          const pages = Math.ceil(region.bytes / space.pageSize);
          await mirror.launch(scale, { grid: [pages], args: [region.address, work.by] }).wait();
          return undefined;
        }
        case 'read': {
          const bytes = await space.read(region.address + 4 * work.from, 4 * work.count);
          return { numbers: new Float32Array(bytes.slice().buffer) };
        }
        default:
          return undefined;
      }
    },
    /** The space first: what it has to write back it writes. Then the device; says what that still holds. */
    async close(): Promise<number> {
      try {
        await space.close();
      } finally {
        await device.close();
      }
      return device.memoryUse.reduce((sum, { bytes }) => sum + bytes, 0);
    },
  };
}

function explain(error: unknown): { code: string; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  return { code: error instanceof MirrorError ? error.code : 'FAILED', message };
}
