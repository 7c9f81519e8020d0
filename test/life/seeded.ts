import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import type { Dice } from '../model/dice.ts';

/**
 * Makes everything that is drawn at random come from the dice, ids and secret names too: the order of rows, and so of
 * everything that happens, depends on them. One life at a time. @returns what ends it
 */
export function seedRandomness(dice: Dice): () => void {
  const { randomBytes, randomUUID } = crypto;
  const { random } = Math;
  const bytes = (size: number) => Buffer.from(Array.from({ length: size }, () => dice.between(0, 255)));
  Object.assign(crypto, {
    randomBytes: bytes,
    randomUUID: () =>
      bytes(16)
        .toString('hex')
        .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
  });
  Math.random = () => dice.next();
  syncBuiltinESMExports();
  return () => {
    Object.assign(crypto, { randomBytes, randomUUID });
    Math.random = random;
    syncBuiltinESMExports();
  };
}
