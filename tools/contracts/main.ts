/** Writes docs/api and the client's types from the schemas that validate and the table of endpoints: `npm run contracts`. A test holds them equal. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { endpoints } from '../../functions/register.ts';
import { compose } from '../../shared/compose.ts';
import { loadConfig } from '../../shared/config.ts';
import { clientTypes } from './client-types.ts';
import { mailMessageSchema } from './mail-message.ts';
import { openapi } from './openapi.ts';

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Every endpoint, wired as the sample settings say; nothing is called. */
export function allEndpoints() {
  const sample = JSON.parse(readFileSync(file('local.settings.sample.json'), 'utf8')) as {
    Values: Record<string, string>;
  };
  return endpoints(compose(loadConfig(sample.Values)));
}

/** The generated files, by path. */
export function contracts(): Readonly<Record<string, string>> {
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const description = openapi(allEndpoints());
  return {
    'docs/api/openapi.json': json(description),
    'examples/client/api.generated.ts': clientTypes(description),
    'docs/api/mail-message-v1.json': json(mailMessageSchema()),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await Promise.all(Object.entries(contracts()).map(([path, text]) => writeFile(file(path), text)));
}
