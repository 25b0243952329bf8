import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts'],
          setupFiles: ['test/harness/property-seed.ts'],
          testTimeout: 20_000,
          // Loading an API server anew for every file took longer than the tests. They keep no state in modules: keep it so.
          isolate: false,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          globalSetup: ['test/harness/shared-cluster.ts'],
        },
      },
    ],
  },
});
