// Serves public/, and tells browsers to load their page again when something in it changes.
import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';

const pages = path.join(import.meta.dirname, 'public');
const types = { '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript' };
const reload = '<script>new EventSource("/reload").onmessage = () => location.reload()</script>\n';
const browsers = new Set();

watch(pages, { recursive: true }, (_event, name) => {
  console.log(`${name} changed`);
  for (const browser of browsers) browser.write(`data: ${name}\n\n`);
});

async function answer(request, response) {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (pathname === '/reload') {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n');
    browsers.add(response);
    response.once('close', () => browsers.delete(response));
    return;
  }
  const file = path.join(pages, pathname.endsWith('/') ? `${pathname}index.html` : pathname);
  try {
    const text = await readFile(file);
    const type = types[path.extname(file)] ?? 'application/octet-stream';
    response.writeHead(200, { 'content-type': type });
    response.end(type.startsWith('text/html') ? `${text}${reload}` : text);
  } catch (error) {
    response.writeHead(error.code === 'ENOENT' ? 404 : 500).end(`${error.code}\n`);
  }
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => response.destroy(error));
});
server.listen(80, '0.0.0.0', () => console.log('serving'));
process.on('SIGTERM', () => process.exit(0));
