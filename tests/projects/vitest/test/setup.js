import { execFileSync } from "node:child_process";
import { beforeAll } from "vitest";

// Workers are counted from 1. This file runs before the test file imports the application, which reads DATABASE_URL.
const url = process.env[`DATABASE_URL_${process.env.VITEST_POOL_ID}`];
if (!url) throw new Error("there is no database: run this under 'terp-fixtures exec'");
process.env.DATABASE_URL = url;

export function pristine() {
  execFileSync("terp-fixtures", ["reset", url, "--quiet"], { stdio: ["ignore", "ignore", "inherit"] });
}

beforeAll(pristine);
