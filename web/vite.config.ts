import { defineConfig } from "vitest/config";

// The service answers the page at its root, and the files beside it under `static/`.
// Names without hashes: the built files are committed, and the service answers them with an ETag.
export default defineConfig({
  base: "./",
  experimental: {
    renderBuiltUrl: (file, { hostType }) => (hostType === "html" ? `static/${file}` : { relative: true }),
  },
  build: {
    outDir: "../src/swath/service/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
    rolldownOptions: {
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "[name].js",
        assetFileNames: (asset) => (asset.names[0] ?? "asset").replace(/\.mjs$/, ".js"),
        codeSplitting: { groups: [{ name: "maplibre", test: /node_modules\/maplibre-gl\// }] },
      },
    },
  },
  server: { proxy: { "/api": process.env.SWATH_SERVICE ?? "http://127.0.0.1:8000" } },
  test: { environment: "node", include: ["tests/**/*.test.{ts,tsx}"], pool: "threads", maxWorkers: 1 },
});
