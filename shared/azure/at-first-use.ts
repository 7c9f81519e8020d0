/** An object of which nothing is used but methods that return promises. */
type Asynchronous<T> = {
  readonly [K in keyof T]: T[K] extends (...parameters: never[]) => Promise<unknown> ? T[K] : never;
};

/** Makes something when it is first asked for. One made in vain is made anew. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

/**
 * Stands for an object that is made when one of its methods is first called. What it stands on is read then: at a start,
 * the SDKs together would take half of the time.
 */
export function atFirstUse<T extends Asynchronous<T>>(make: () => Promise<T>): T {
  const made = once(make);
  return new Proxy({} as T, {
    get: (_, name) => {
      // `await` looks for a method `then` on everything.
      if (typeof name === 'symbol' || name === 'then') return undefined;
      return async (...parameters: unknown[]) => {
        const target = (await made()) as Readonly<Record<string, (...given: unknown[]) => Promise<unknown>>>;
        return target[name]?.(...parameters);
      };
    },
  });
}
