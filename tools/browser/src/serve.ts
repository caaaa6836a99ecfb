import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A site on this machine, for as long as a test takes. */
export interface Site extends AsyncDisposable {
  /** Its root, with a slash at the end. */
  readonly url: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
};

/** Serves files by path (`/suite.js`) on 127.0.0.1, isolated from other origins, so that pages have shared memory and exact clocks. `/` is an empty page unless said otherwise. */
export async function serve(files: Readonly<Record<string, string | Uint8Array>>): Promise<Site> {
  const all: Readonly<Record<string, string | Uint8Array>> = { '/': '<!doctype html><title>test</title>', ...files };
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const body = all[path];
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    response.setHeader('Content-Type', TYPES[/\.[a-z]+$/.exec(path)?.[0] ?? '.html'] ?? 'application/octet-stream');
    response.statusCode = body === undefined ? 404 : 200;
    response.end(body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}
