import { createHash, timingSafeEqual } from 'node:crypto';

export interface Keys {
  readonly functionKey: string;
  readonly masterKey: string;
}

/** Whether a key, or none, opens a function of this level. The master key opens everything. */
export function isAllowed(level: string, key: string | undefined, keys: Keys): boolean {
  if (level === 'anonymous') return true;
  if (key === undefined) return false;
  if (equal(key, keys.masterKey)) return true;
  return level === 'function' && equal(key, keys.functionKey);
}

function equal(left: string, right: string): boolean {
  return timingSafeEqual(digest(left), digest(right));
}

/** Equal lengths for the comparison, whatever was sent. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
