// A vitest reporter for scripts/test.mjs: what failed outside of any test, which vitest's JSON leaves out, as a JSON
// array of texts in a file beside that JSON.
import { writeFileSync } from 'node:fs';

export default class ErrorsReporter {
  onInit({ config }) {
    this.file = `${config.outputFile.json}.errors`;
  }

  onTestRunEnd(modules, unhandled) {
    const inFiles = modules.flatMap((module) =>
      module.errors().map((error) => `${module.relativeModuleId}: ${error.stack ?? error.message}`),
    );
    const anywhere = unhandled.map((error) => {
      const where = error.VITEST_TEST_NAME ? ` (while ${error.VITEST_TEST_NAME} ran)` : '';
      return `${error.type ?? 'Unhandled error'}${where}: ${error.stack ?? error.message}`;
    });
    writeFileSync(this.file, JSON.stringify([...inFiles, ...anywhere]));
  }
}
