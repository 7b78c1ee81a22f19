import { defineConfig } from "vitest/config";

// As many workers as there are databases: `terp-fixtures exec SNAPSHOT -n 2 -- npx vitest run`.
const databases = Object.keys(process.env).filter((name) => /^DATABASE_URL_\d+$/.test(name)).length;

export default defineConfig({
  test: { maxWorkers: databases, setupFiles: ["./test/setup.js"] },
});
