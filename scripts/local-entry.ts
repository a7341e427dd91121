/**
 * The module that the runtime enters on this machine, before `worker.js`. Cloudflare's edge reads a body to its end whatever the
 * Worker does with it; the runtime by itself closes the connection on the rest, and with it on the answer that is on its way.
 */
export const LOCAL_ENTRY = `
import worker from "./worker.js";
export * from "./worker.js";

async function fetch(request, env, ctx) {
  const { body } = request;
  if (body === null) return worker.fetch(request, env, ctx);
  const { readable, writable } = new IdentityTransformStream();
  const passed = pass(body, writable);
  const response = await worker.fetch(new Request(request, { body: readable }), env, ctx);
  if (!readable.locked) await readable.cancel();
  await passed;
  return response;
}

async function pass(body, writable) {
  const writer = writable.getWriter();
  let isWanted = true;
  const unwanted = () => {
    isWanted = false;
  };
  try {
    for await (const chunk of body) if (isWanted) await writer.write(chunk).catch(unwanted);
    await writer.close().catch(unwanted);
  } catch (error) {
    await writer.abort(error).catch(unwanted);
  }
}

export default { ...worker, fetch };
`;
