/** Runs tasks of the same key one after the other, in the order of the calls; those of other keys beside them. */
export class KeyedQueues {
  private readonly last = new Map<string, Promise<void>>();

  run(key: string, task: () => Promise<void>): Promise<void> {
    const run = (this.last.get(key) ?? Promise.resolve()).then(task);
    // The next task starts also when this one failed; the caller hears of the failure from `run`.
    const settled = run
      .catch(() => undefined)
      .then(() => {
        if (this.last.get(key) === settled) this.last.delete(key);
      });
    this.last.set(key, settled);
    return run;
  }

  /** Resolves when nothing is left to run. */
  async idle(): Promise<void> {
    await Promise.all(this.last.values());
  }
}
