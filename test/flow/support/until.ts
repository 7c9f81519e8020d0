import { setTimeout as delay } from 'node:timers/promises';

const STEP_MS = 40;

/**
 * Asks again and again until the answer is what is waited for, and returns it.
 * @param what end of "Waited in vain for …"
 * @param probe undefined and false mean "not yet"; anything it throws ends the wait
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  seconds = 20,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`Waited ${seconds} s in vain for ${what}.`);
    await delay(STEP_MS);
  }
}
