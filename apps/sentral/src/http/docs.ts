import { problem, problems } from '@sentral/contracts/problem';
import type { Hono } from 'hono';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const types = { css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8' } as const;

/** The reference page: a viewer that ships with the app, nothing from elsewhere, and only its own files may run in it. */
const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Sentral API</title><meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><nav><a href="/openapi.json">OpenAPI 3.1</a> <a href="/asyncapi.json">Events on the bus: AsyncAPI 3.0</a></nav><div id="viewer"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body>
</html>
`;
const start = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#viewer', deepLinking: true, docExpansion: 'list', showExtensions: true, persistAuthorization: false, validatorUrl: null, defaultModelsExpandDepth: 0 });\n`;
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

export function mountDocs(app: Hono): void {
  const folder = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const headers = {
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-cache',
  };
  app.get('/docs', () => new Response(page, { headers: { ...headers, 'content-type': 'text/html; charset=utf-8' } }));
  app.get('/docs/start.js', () => new Response(start, { headers: { ...headers, 'content-type': types.js } }));
  for (const [file, type] of [
    ['swagger-ui.css', types.css],
    ['swagger-ui-bundle.js', types.js],
  ] as const) {
    const text = readFileSync(path.join(folder, file), 'utf8');
    app.get(`/docs/${file}`, () => new Response(text, { headers: { ...headers, 'content-type': type } }));
  }
  app.get('/problems/:code', (c) => {
    const code = c.req.param('code');
    const known = Object.hasOwn(problems, code) ? problems[code as keyof typeof problems] : undefined;
    if (known === undefined) throw problem('not-found', { resourceType: 'problem' });
    return new Response(`${code}\n${known.status} ${known.title}\n`, {
      headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' },
    });
  });
}
