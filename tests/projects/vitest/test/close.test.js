import { expect, test } from "vitest";
import { add, closeAll, closed, count } from "../src/clients.js";

test("begins with what was captured", async () => {
  expect([await count(), await closed()]).toEqual([120, 15]);
});

test("every client is closed, by several connections", async () => {
  await closeAll();
  await add("NEW-1"); // the other files add it too: were the database shared, its code would be taken
  expect([await count(), await closed()]).toEqual([121, 120]);
});
