import { expect, test } from "vitest";
import { add, count, forgetContacts, withContact } from "../src/clients.js";
import { pristine } from "./setup.js";

test("begins with what was captured", async () => {
  expect([await count(), await withContact()]).toEqual([120, 109]);
});

test("open connections see the reset, and the next key is the same again", async () => {
  const id = await add("NEW-1");
  await forgetContacts();
  expect([await count(), await withContact()]).toEqual([121, 0]);
  pristine();
  expect([await count(), await withContact()]).toEqual([120, 109]);
  expect(await add("NEW-1")).toBe(id);
});
