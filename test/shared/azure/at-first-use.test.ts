import { describe, expect, test, vi } from 'vitest';
import { atFirstUse } from '../../../shared/azure/at-first-use.ts';

interface Greeter {
  greet(name: string): Promise<string>;
}

class German implements Greeter {
  private readonly word = 'Hallo';

  async greet(name: string): Promise<string> {
    return `${this.word} ${name}`;
  }
}

describe('an object that is made at its first use', () => {
  test('is not made before, and once for all who call', async () => {
    const make = vi.fn(async (): Promise<Greeter> => new German());
    const greeter = atFirstUse(make);
    expect(make).not.toHaveBeenCalled();
    expect(await Promise.all([greeter.greet('Ada'), greeter.greet('Grace')])).toEqual(['Hallo Ada', 'Hallo Grace']);
    expect(make).toHaveBeenCalledOnce();
  });

  test('is made anew after it could not be made', async () => {
    const make = vi.fn(async (): Promise<Greeter> => new German()).mockRejectedValueOnce(new Error('not to be read'));
    const greeter = atFirstUse(make);
    await expect(greeter.greet('Ada')).rejects.toThrow('not to be read');
    await expect(greeter.greet('Ada')).resolves.toBe('Hallo Ada');
  });

  test('is no promise itself', async () => {
    const make = vi.fn(async (): Promise<Greeter> => new German());
    const greeter = await atFirstUse(make);
    expect(make).not.toHaveBeenCalled();
    await expect(greeter.greet('Ada')).resolves.toBe('Hallo Ada');
  });
});
