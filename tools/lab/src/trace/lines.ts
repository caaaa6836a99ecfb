import { TraceError } from './page-trace.js';

const NEWLINE = 10;
const RETURN = 13;
/** Longer ones are no text. */
const LONGEST = 1 << 16;

/** A line of text, as bytes `from` … `to - 1`. Reused: valid until the next one. */
export interface Line {
  bytes: Uint8Array;
  from: number;
  to: number;
  /** Where it begins: bytes from the beginning of the text. */
  offset: number;
}

/**
 * Calls `each` with every line, without its end.
 * @throws TraceError `BAD_LINE` for a line that never ends; what `each` throws
 */
export async function* lineBatches(
  source: AsyncIterable<Uint8Array>,
  trace: string,
  each: (line: Line) => void,
): AsyncGenerator<void> {
  const line: Line = { bytes: new Uint8Array(0), from: 0, to: 0, offset: 0 };
  const call = (bytes: Uint8Array, from: number, to: number, offset: number) => {
    line.bytes = bytes;
    line.from = from;
    line.to = to > from && bytes[to - 1] === RETURN ? to - 1 : to;
    line.offset = offset;
    each(line);
  };
  let rest: Uint8Array = new Uint8Array(0);
  let offset = 0;
  for await (const portion of source) {
    let bytes = portion;
    if (rest.length > 0) {
      bytes = new Uint8Array(rest.length + portion.length);
      bytes.set(rest);
      bytes.set(portion, rest.length);
    }
    let at = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, at)) {
      call(bytes, at, end, offset + at);
      at = end + 1;
    }
    rest = bytes.slice(at);
    offset += at;
    if (rest.length > LONGEST) throw new TraceError('BAD_LINE', trace, offset, 'a line has more than 64 KiB');
    yield;
  }
  if (rest.length > 0) {
    call(rest, 0, rest.length, offset);
    yield;
  }
}

/** A line as text, cut short, for messages. */
export function textOf({ bytes, from, to }: Line): string {
  return JSON.stringify(new TextDecoder().decode(bytes.subarray(from, Math.min(to, from + 60))));
}
