/** What agents post of a nozzle camera while a first layer is printed ([A77]): nobody looks at it, and no agent may see an error. */
import { Hono } from "hono";
import * as z from "zod";
import { chunksOf } from "../kit/body.ts";
import type { HttpContext, HttpEnv } from "../kit/context.ts";
import { FailureError } from "../kit/errors.ts";
import { route } from "../kit/route.ts";
import { ownPrinter } from "./calls.ts";
import { PICTURE_BYTES } from "./pictures.ts";

/** Read to its end, because its sender would see a broken connection instead of the answer, and neither kept nor parsed. */
async function dropBody(c: HttpContext): Promise<void> {
  let length = 0;
  for await (const chunk of chunksOf(c.req.raw)) {
    length += chunk.byteLength;
    if (length > PICTURE_BYTES) throw new FailureError({ code: "too_large", limitBytes: PICTURE_BYTES });
  }
}

function dropped(path: "/ent/api/nozzle_cam/pic" | "/ent/api/nozzle_cam/first_layer_done") {
  return route(
    {
      method: "POST",
      path,
      summary: "Post what a nozzle camera sees",
      description: "Any body of up to 8 MiB: it is dropped. 600 calls a minute, counted apart from the agent's others.",
      access: "agent",
      isFrequent: true,
      find: ownPrinter,
      fails: [413],
      answers: { 200: z.object({}) },
    },
    async (c) => {
      await dropBody(c);
      return c.json({}, 200);
    },
  );
}

export const nozzleCamera = new Hono<HttpEnv>()
  .on(...dropped("/ent/api/nozzle_cam/pic"))
  .on(...dropped("/ent/api/nozzle_cam/first_layer_done"));
