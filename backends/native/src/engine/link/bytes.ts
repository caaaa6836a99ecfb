/** Something in a module that the linker does not know: it leaves the module as it is. */
export class UnknownEncoding extends Error {}

/** Reads a WebAssembly binary. */
export class ByteReader {
  at: number;

  constructor(
    readonly bytes: Uint8Array,
    at = 0,
    readonly end = bytes.length,
  ) {
    this.at = at;
  }

  byte(): number {
    if (this.at >= this.end) throw new UnknownEncoding('the module ends too early');
    return this.bytes[this.at++]!;
  }

  /** An unsigned number of up to 32 bits. */
  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new UnknownEncoding('a number is too long');
  }

  /** Passes over a number, signed or not. */
  skipNumber(): void {
    while (this.byte() >= 0x80);
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  text(): string {
    const length = this.number();
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }

  /** What of the same bytes lies from here on. */
  part(length: number): ByteReader {
    return new ByteReader(this.bytes, this.at, this.at + length);
  }
}

/** Writes a WebAssembly binary. */
export class ByteWriter {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  byte(...values: readonly number[]): this {
    for (const value of values) this.#bytes.push(value);
    return this;
  }

  /** An unsigned number of up to 32 bits. */
  number(value: number): this {
    for (; value >= 0x80; value = Math.floor(value / 128)) this.#bytes.push((value & 0x7f) | 0x80);
    this.#bytes.push(value);
    return this;
  }

  /** A signed number of up to 53 bits, as constants are written. */
  signed(value: number): this {
    for (; value < -64 || value > 63; value = Math.floor(value / 128)) this.#bytes.push((value & 0x7f) | 0x80);
    this.#bytes.push(value & 0x7f);
    return this;
  }

  text(value: string): this {
    const encoded = new TextEncoder().encode(value);
    return this.number(encoded.length).copy(encoded, 0, encoded.length);
  }

  copy(bytes: Uint8Array, from: number, to: number): this {
    for (let i = from; i < to; i++) this.#bytes.push(bytes[i]!);
    return this;
  }

  append({ bytes }: { readonly bytes: Uint8Array }): this {
    return this.copy(bytes, 0, bytes.length);
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#bytes);
  }
}
