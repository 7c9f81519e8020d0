export interface Closable {
  close(): Promise<unknown> | unknown;
}

/** What has been started and has to be closed again, also when something after it fails to start. */
export class Closers {
  private readonly kept: Promise<Closable>[] = [];

  /** Registers something that is still starting; closed in reverse order. */
  keep<T extends Closable>(starting: Promise<T>): Promise<T> {
    this.kept.push(starting);
    return starting;
  }

  /** Closes everything once. One that fails to close does not keep the rest open; the first failure is thrown at the end. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (const starting of this.kept.splice(0).reverse()) {
      // What never started has already been reported by whoever waited for it.
      const started = await starting.catch(() => undefined);
      try {
        await started?.close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
