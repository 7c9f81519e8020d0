// Prints vitest's own counts, and fails when anything was skipped: a suite that does not run proves nothing.
import { readFileSync } from 'node:fs';

const results = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { numPassedTests: passed, numFailedTests, numPendingTests, numTodoTests } = results;
const brokenFiles = results.testResults.filter(
  (file) => file.status === 'failed' && file.assertionResults.length === 0,
).length;
const failed = numFailedTests + brokenFiles;
const skipped = numPendingTests + numTodoTests;
if (skipped > 0) console.log('Skipped tests are not accepted here.');
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 || skipped > 0 || passed === 0 ? 1 : 0;
