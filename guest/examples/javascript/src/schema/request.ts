// What the greetings are sent.

import * as v from "valibot";

export const requestSchema = v.object({ name: v.string() });
