import { execFileSync } from "node:child_process";
import { beforeAll } from "vitest";

// Workers are counted from 1. This file runs before the test file imports the application, which reads DATABASE_URL.
process.env.DATABASE_URL = process.env[`DATABASE_URL_${process.env.VITEST_POOL_ID}`];

export function pristine() {
  execFileSync("terp-fixtures", ["reset", process.env.DATABASE_URL, "--quiet"], { stdio: "inherit" });
}

beforeAll(pristine);
