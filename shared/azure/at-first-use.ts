/** An object of which nothing is used but methods that return promises. */
type Asynchronous<T> = {
  readonly [K in keyof T]: T[K] extends (...parameters: never[]) => Promise<unknown> ? T[K] : never;
};

type Method = (...parameters: unknown[]) => Promise<unknown>;

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
 * Stands for an object that is made when one of its methods is first called. An SDK that is behind it is read then, and
 * not at a start: each of them costs a start a tenth to a third of what the rest of it takes.
 */
export function atFirstUse<T extends Asynchronous<T>>(make: () => Promise<T>): T {
  const made = once(make);
  const methods = new Map<PropertyKey, Method>();
  const method = (name: PropertyKey): Method => {
    const known = methods.get(name);
    if (known) return known;
    const call: Method = async (...parameters) => {
      const target = (await made()) as Readonly<Record<PropertyKey, Method>>;
      return target[name]?.(...parameters);
    };
    methods.set(name, call);
    return call;
  };
  return new Proxy({} as T, {
    // `await` looks for a method `then` on everything.
    get: (_, name) => (typeof name === 'symbol' || name === 'then' ? undefined : method(name)),
  });
}
