import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const root = import.meta.dirname;

/** Modules that the first image needs: all that main.ts imports statically, at any depth. */
const first = new Set<string>();

/** Finds them once all modules are known. */
function findFirst(): Plugin {
  return {
    name: 'lifeboat-first',
    apply: 'build',
    buildEnd() {
      const add = (id: string) => {
        if (first.has(id)) return;
        first.add(id);
        for (const imported of this.getModuleInfo(id)?.importedIds ?? []) add(imported);
      };
      add(resolve(root, 'src/main.ts'));
    },
  };
}

/**
 * One build for both homes of the viewer: served by the router and lying in the bucket. All addresses are relative
 * (`base: './'`), so every page is one path segment deep. The entry chunk holds only what the first image needs; React
 * and the pages are separate chunks that load while the first image is already up.
 */
export default defineConfig({
  root,
  base: './',
  publicDir: resolve(root, 'public'),
  plugins: [react(), findFirst()],
  worker: { format: 'es' },
  resolve: {
    alias: [
      {
        // Its own script fetches it with eval, which our Content-Security-Policy forbids.
        find: /^dcmjs-native-codecs-wasm(?=\?|$)/,
        replacement: resolve(root, '../node_modules/dcmjs-codecs/build/dcmjs-native-codecs.wasm'),
      },
    ],
  },
  build: {
    outDir: resolve(root, '../dist/viewer'),
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        entryFileNames: 'assets/[name]-[hash].js',
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
        // Modules that pages share with the first image would each become a file of their own, and it would wait for all of them.
        codeSplitting: { groups: [{ name: 'first', test: (id) => first.has(id) }] },
      },
    },
  },
});
