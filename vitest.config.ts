import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', 'node_modules/**'],
    pool: 'forks',
    // Node strips the types itself, as it does for the product: a third of the time to load a test file.
    experimental: { viteModuleRunner: false },
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default'],
    env: { TCP_NODELAY: '1' },
  },
});
