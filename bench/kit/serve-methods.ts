/** The other end of `Child`: answers calls until the parent is gone. */
export function serveMethods(methods: Readonly<Record<string, (argument: never) => unknown>>): void {
  process.on('message', async (message) => {
    const { id, method, argument } = message as { id: number; method: string; argument: never };
    try {
      process.send?.({ id, value: await methods[method]?.(argument) });
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.stack : String(error) });
    }
  });
  process.on('disconnect', () => process.exit(0));
  process.on('SIGTERM', () => process.exit(0));
  // Ctrl+C reaches the whole process group; when to stop is the parent's decision.
  process.on('SIGINT', () => {});
}
