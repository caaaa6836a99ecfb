import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { PAGE_TRACE_HEADER_BYTES as HEADER_BYTES } from '@mirrorspace/core';
import { decodeHeader, decodeTrace } from './format.js';
import { type PageTrace, TraceError } from './page-trace.js';

/** Bytes read at once. */
const PORTION = 1 << 16;
/** What ends a wait for a stream to take more. */
const GOES_ON = ['drain', 'close', 'error'] as const;

/**
 * The bytes of a file, decompressed if it is gzip, whatever its name says.
 * @throws TraceError `BAD_COMPRESSION`, and what the file system says
 */
export async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  const file = createReadStream(path, { highWaterMark: PORTION });
  try {
    const portions = file[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const first = await portions.next();
    if (first.done === true) return;
    const rest = from(first.value, portions);
    const [one, two] = first.value;
    if (one === 0x1f && two === 0x8b) yield* gunzip(rest, path);
    else yield* rest;
  } finally {
    file.destroy();
  }
}

/**
 * An MSTRACE1 file, plain or gzip. Only its header is read yet.
 * @throws TraceError as `decodeHeader`, or `BAD_COMPRESSION`
 */
export async function openPageTrace(path: string): Promise<PageTrace> {
  let head: Uint8Array = new Uint8Array(0);
  for await (const portion of bytesOf(path)) {
    head = Buffer.concat([head, portion]);
    if (head.length >= HEADER_BYTES) break;
  }
  const { pageSize, records } = decodeHeader(head, path);
  return { name: path, pageSize, records, chunks: () => decodeTrace(bytesOf(path), path) };
}

async function* from(first: Buffer, others: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await others.next(); next.done !== true; next = await others.next()) yield next.value;
}

async function* gunzip(source: AsyncIterable<Buffer>, path: string): AsyncGenerator<Uint8Array> {
  const stream = createGunzip({ chunkSize: PORTION });
  let failure: Error | undefined;
  const feeding = feed(source, stream).catch((error: unknown) => {
    failure = error as Error;
    stream.destroy();
  });
  let offset = 0;
  try {
    for await (const portion of stream as AsyncIterable<Buffer>) {
      offset += portion.length;
      yield portion;
    }
  } catch (error) {
    if (failure !== undefined) throw failure;
    throw new TraceError('BAD_COMPRESSION', path, offset, 'the gzip data are damaged or end too early', {
      cause: error,
    });
  } finally {
    stream.destroy();
    await feeding;
  }
  if (failure !== undefined) throw failure;
}

async function feed(source: AsyncIterable<Buffer>, stream: NodeJS.WritableStream & { destroyed?: boolean }) {
  for await (const portion of source) {
    if (stream.destroyed === true) return;
    if (stream.write(portion)) continue;
    await new Promise<void>((resolve) => {
      const go = () => {
        for (const event of GOES_ON) stream.off(event, go);
        resolve();
      };
      for (const event of GOES_ON) stream.on(event, go);
    });
  }
  if (stream.destroyed !== true) stream.end();
}
