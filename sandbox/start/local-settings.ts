import { readFile, rm, writeFile } from 'node:fs/promises';
import type { Settings } from './settings.ts';

/** Marks a file of ours, so that a developer's own is never overwritten. */
const MARK = 'WrittenBySandbox';

/** Why the file must not be overwritten, or undefined. */
export async function foreignLocalSettings(file: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return isOurs(text)
    ? undefined
    : `${file} exists and was not written by the sandbox. Move it away, then start the sandbox again.`;
}

function isOurs(text: string): boolean {
  try {
    const content: unknown = JSON.parse(text);
    return typeof content === 'object' && content !== null && MARK in content && content[MARK] === true;
  } catch {
    return false;
  }
}

/** Removes the file that names a sandbox which is gone; a developer's own stays. */
export async function removeLocalSettings(file: string): Promise<void> {
  if (!(await foreignLocalSettings(file))) await rm(file, { force: true });
}

/** Writes local.settings.json for Azure Functions Core Tools. */
export async function writeLocalSettings(file: string, settings: Settings, corsOrigin: string): Promise<void> {
  const foreign = await foreignLocalSettings(file);
  if (foreign) throw new Error(foreign);
  const content = {
    [MARK]: true,
    IsEncrypted: false,
    Values: { FUNCTIONS_WORKER_RUNTIME: 'node', ...settings },
    Host: { LocalHttpPort: 7071, CORS: corsOrigin, CORSCredentials: false },
  };
  // It holds the sandbox's storage key and identity header.
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
}
