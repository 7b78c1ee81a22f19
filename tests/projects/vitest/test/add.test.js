import { expect, test } from "vitest";
import { add, closed, count } from "../src/clients.js";

test("begins with what was captured", async () => {
  expect([await count(), await closed()]).toEqual([120, 15]);
});

test("what is written stays until the end of the file", async () => {
  await add("NEW-1");
  expect(await count()).toBe(121);
});

test("and is seen by the next test", async () => {
  await add("NEW-2");
  expect(await count()).toBe(122);
});
